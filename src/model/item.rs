//! Items as the catalog knows them: names, ids and dates, never a value.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::fields::Fields;
use super::name::{Name, fold, is_refused};
use super::path::{ItemPath, SecretPath};
use super::request::{Place, Target};

/// The name a `[[source]]` bears in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// Wraps a name that the configuration's reader has checked.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps an id as its source gives it.
            #[must_use]
            pub fn new(id: &str) -> Self {
                Self(id.into())
            }

            /// The id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// A vault's immutable id: 26 lower-case letters and digits.
    VaultId
}
id! {
    /// An item's immutable id: 26 lower-case letters and digits.
    ItemId
}
id! {
    /// A field's id, unique within its item.
    FieldId
}

/// 1Password's item categories.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are 1Password's own and say all there is")]
pub enum Category {
    ApiCredential,
    BankAccount,
    CreditCard,
    CryptoWallet,
    Custom,
    Database,
    Document,
    DriverLicense,
    EmailAccount,
    Identity,
    Login,
    MedicalRecord,
    Membership,
    OutdoorLicense,
    Passport,
    Password,
    RewardProgram,
    SecureNote,
    Server,
    SocialSecurityNumber,
    SoftwareLicense,
    SshKey,
    WirelessRouter,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 23] = [
        Self::ApiCredential,
        Self::BankAccount,
        Self::CreditCard,
        Self::CryptoWallet,
        Self::Custom,
        Self::Database,
        Self::Document,
        Self::DriverLicense,
        Self::EmailAccount,
        Self::Identity,
        Self::Login,
        Self::MedicalRecord,
        Self::Membership,
        Self::OutdoorLicense,
        Self::Passport,
        Self::Password,
        Self::RewardProgram,
        Self::SecureNote,
        Self::Server,
        Self::SocialSecurityNumber,
        Self::SoftwareLicense,
        Self::SshKey,
        Self::WirelessRouter,
    ];

    /// 1Password's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiCredential => "API_CREDENTIAL",
            Self::BankAccount => "BANK_ACCOUNT",
            Self::CreditCard => "CREDIT_CARD",
            Self::CryptoWallet => "CRYPTO_WALLET",
            Self::Custom => "CUSTOM",
            Self::Database => "DATABASE",
            Self::Document => "DOCUMENT",
            Self::DriverLicense => "DRIVER_LICENSE",
            Self::EmailAccount => "EMAIL_ACCOUNT",
            Self::Identity => "IDENTITY",
            Self::Login => "LOGIN",
            Self::MedicalRecord => "MEDICAL_RECORD",
            Self::Membership => "MEMBERSHIP",
            Self::OutdoorLicense => "OUTDOOR_LICENSE",
            Self::Passport => "PASSPORT",
            Self::Password => "PASSWORD",
            Self::RewardProgram => "REWARD_PROGRAM",
            Self::SecureNote => "SECURE_NOTE",
            Self::Server => "SERVER",
            Self::SocialSecurityNumber => "SOCIAL_SECURITY_NUMBER",
            Self::SoftwareLicense => "SOFTWARE_LICENSE",
            Self::SshKey => "SSH_KEY",
            Self::WirelessRouter => "WIRELESS_ROUTER",
        }
    }

    /// The category a word names, exactly as 1Password writes it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    /// The category of a word from 1Password or of one of opward's everyday words.
    #[must_use]
    pub fn from_any_word(word: &str) -> Option<Self> {
        match word {
            "api_key" => Some(Self::ApiCredential),
            "password" => Some(Self::Password),
            "ssh_key" => Some(Self::SshKey),
            "private_key" | "certificate" | "file" | "note" | "env_bundle" => Some(Self::SecureNote),
            _ => Self::from_word(&word.to_ascii_uppercase()),
        }
    }

    /// The field that holds the value of a new item of this category.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other category's value is its password")]
    pub const fn default_field(self) -> &'static str {
        match self {
            Self::ApiCredential => "credential",
            Self::SecureNote => "notesPlain",
            Self::SshKey => "private_key",
            _ => "password",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A tag: other people's text, kept only if it's at most 100 characters a person can see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Tag(Arc<str>);

impl Tag {
    /// Reads a tag; `None` when it's empty, too long or holds invisible characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let length = text.chars().count();
        (1..=100).contains(&length).then_some(())?;
        (!text.chars().any(is_refused)).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two tags are the same without regard to case.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        fold(&self.0) == fold(other)
    }
}

/// What a field is for in its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The item's notes.
    Notes,
    /// The item's password.
    Password,
    /// The item's user name.
    Username,
}

/// What kind of value a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum FieldType {
    /// Hidden wherever it's shown.
    Concealed,
    /// A one-time password's seed.
    Otp,
    /// Plain text.
    String,
    /// An address on the web.
    Url,
}

/// One field of an item, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its id, unique within the item.
    pub id: FieldId,
    /// Its name, or its id where no path can carry the name.
    pub name: Name,
    /// The section it stands in.
    pub section: Option<Name>,
    /// The section's id, where its source gives it one besides the name: a reference may say either.
    pub section_id: Option<Box<str>>,
    /// The kind of its value.
    pub kind: FieldType,
    /// What it's for.
    pub purpose: Option<Purpose>,
    /// Its canonical path.
    pub path: SecretPath,
    /// The path its item's title and its own name make, where the canonical one has an id in their
    /// place because others bear them too. A rule that names it means each of them.
    pub title_path: Option<SecretPath>,
}

impl Field {
    /// Whether the value is hidden wherever the item is shown.
    #[must_use]
    pub fn concealed(&self) -> bool {
        matches!(self.kind, FieldType::Concealed | FieldType::Otp)
    }
}

/// One item, without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The source it's in.
    pub source: SourceName,
    /// Its vault's id.
    pub vault: VaultId,
    /// Its immutable id.
    pub id: ItemId,
    /// Its canonical path, in the stored spelling.
    pub path: ItemPath,
    /// Its category.
    pub category: Category,
    /// Its tags.
    pub tags: Arc<[Tag]>,
    /// Its fields.
    pub fields: Fields,
    /// Counts up with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it runs out.
    pub expires_at: Option<Timestamp>,
    /// The addresses it belongs to.
    pub urls: Vec<String>,
}

impl Item {
    /// The field meant where one value is wanted and none is named: the marked one, else the only
    /// concealed field.
    #[must_use]
    pub fn default_field(&self) -> Option<&Field> {
        self.marked_field().or_else(|| self.only_concealed_field())
    }

    /// The field marked as the item's value: purpose PASSWORD, else id `credential`, else id `password`.
    #[must_use]
    pub fn marked_field(&self) -> Option<&Field> {
        let by_id = |id: &str| self.fields.known().iter().find(|field| field.id.as_str() == id);
        self.fields
            .known()
            .iter()
            .find(|field| field.purpose == Some(Purpose::Password))
            .or_else(|| by_id("credential"))
            .or_else(|| by_id("password"))
    }

    /// The concealed field, if there's exactly one.
    #[must_use]
    pub fn only_concealed_field(&self) -> Option<&Field> {
        let mut concealed = self.fields.known().iter().filter(|field| field.concealed());
        concealed.next().filter(|_| concealed.next().is_none())
    }

    /// What a policy decides about for one of this item's fields.
    #[must_use]
    pub fn target(&self, field: &Field) -> Target {
        let place = Place {
            source: self.source.clone(),
            vault: self.vault.clone(),
            item: self.id.clone(),
            field: field.id.clone(),
        };
        Target {
            path: field.path.clone(),
            title_path: field.title_path.clone(),
            place: Some(place),
            category: self.category,
            tags: Arc::clone(&self.tags),
        }
    }
}
