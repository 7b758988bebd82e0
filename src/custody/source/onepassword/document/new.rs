//! Documents of items that don't exist yet.

use serde_json::json;

use super::Document;
use super::edit::text_of;
use crate::custody::source::Change;
use crate::custody::source::onepassword::failure::Failure;
use crate::model::{Category, FieldId, VaultId};

/// What a new item is where nobody says.
const USUAL_CATEGORY: Category = Category::ApiCredential;

impl Document {
    /// A new item with one value, as a change describes it, and the id of the value's field. The
    /// item's own id is 1Password's to give.
    pub(in crate::custody::source::onepassword) fn new(
        vault: &VaultId,
        change: &Change,
    ) -> Result<(Self, FieldId), Failure> {
        let category = change.category.unwrap_or(USUAL_CATEGORY);
        check_can_be_made(category)?;
        let names = change.path.names();
        let title = names.get(1).ok_or(Failure::Missing)?.as_str();
        let mut new = Self(json!({
            "title": title,
            "category": category.as_str(),
            "vault": { "id": vault.as_str() },
            "sections": [],
            "fields": [],
        }));
        let field = new.add_field(&change.path, text_of(&change.value)?)?;
        let has_password = || new.list("fields").iter().any(|field| field.get("purpose") == Some(&json!("PASSWORD")));
        if category == Category::Password && !has_password() {
            return Err(Failure::Unsupported("a new item of the category PASSWORD begins with its password"));
        }
        if let Some(tags) = change.tags.as_deref() {
            new.set_tags(tags)?;
        }
        if let Some(at) = change.expires_at {
            new.set_expiry(at, &change.path.item())?;
        }
        Ok((new, field))
    }
}

fn check_can_be_made(category: Category) -> Result<(), Failure> {
    match category {
        Category::CryptoWallet | Category::Custom => {
            Err(Failure::Unsupported("1Password's programs can't make items of this category: use its app"))
        }
        Category::Document => Err(Failure::Unsupported("a document is a file, and files can't be stored from here")),
        Category::SshKey => Err(Failure::Unsupported(
            "1Password's programs lose SSH keys they're given: make it in the app, or store it as a SECURE_NOTE",
        )),
        Category::ApiCredential
        | Category::BankAccount
        | Category::CreditCard
        | Category::Database
        | Category::DriverLicense
        | Category::EmailAccount
        | Category::Identity
        | Category::Login
        | Category::MedicalRecord
        | Category::Membership
        | Category::OutdoorLicense
        | Category::Passport
        | Category::Password
        | Category::RewardProgram
        | Category::SecureNote
        | Category::Server
        | Category::SocialSecurityNumber
        | Category::SoftwareLicense
        | Category::WirelessRouter => Ok(()),
    }
}
