//! The fields 1Password gives an item of each category, outside of sections.

use super::fields::kind_of;
use crate::model::{Category, Field, FieldId, ItemPath, Name, Purpose, fold};

/// The field that says when an item runs out, in the categories that have one.
pub(super) const EXPIRES: &str = "expires";

/// One of a category's own fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    /// Its id, which is the same in every item.
    pub(super) id: &'static str,
    /// Its name.
    pub(super) label: &'static str,
    /// 1Password's word for the kind of its value.
    pub(super) kind: &'static str,
    /// What it's for.
    pub(super) purpose: Option<Purpose>,
}

impl Usual {
    /// The field as an item of this path would have it.
    pub(super) fn field(&self, item: &ItemPath) -> Option<Field> {
        let name = Name::new(self.label).ok()?;
        Some(Field {
            id: FieldId::new(self.id),
            path: item.field(None, &name).ok()?,
            name,
            section: None,
            section_id: None,
            kind: kind_of(self.kind, self.purpose),
            purpose: self.purpose,
            title_path: None,
        })
    }
}

/// The fields of a category. The notes, which every item has, come last.
pub(super) fn of(category: Category) -> &'static [Usual] {
    match category {
        Category::ApiCredential => &API_CREDENTIAL,
        Category::BankAccount => &BANK_ACCOUNT,
        Category::CreditCard => &CREDIT_CARD,
        Category::CryptoWallet => &CRYPTO_WALLET,
        Category::Database => &DATABASE,
        Category::DriverLicense => &DRIVER_LICENSE,
        Category::EmailAccount => &EMAIL_ACCOUNT,
        Category::Login => &LOGIN,
        Category::MedicalRecord => &MEDICAL_RECORD,
        Category::Membership => &MEMBERSHIP,
        Category::OutdoorLicense => &OUTDOOR_LICENSE,
        Category::Passport => &PASSPORT,
        Category::RewardProgram => &REWARD_PROGRAM,
        Category::Server => &SERVER,
        Category::SocialSecurityNumber => &SOCIAL_SECURITY_NUMBER,
        Category::SoftwareLicense => &SOFTWARE_LICENSE,
        Category::SshKey => &SSH_KEY,
        Category::WirelessRouter => &WIRELESS_ROUTER,
        // What no category is named for has at least what most have.
        Category::Custom | Category::Password => &JUST_A_PASSWORD,
        Category::Document | Category::Identity | Category::SecureNote => &[NOTES],
    }
}

/// The field of a category that bears this name or id.
pub(super) fn find(category: Category, name: &Name) -> Option<&'static Usual> {
    let wanted = name.matching();
    let is = |text: &str| fold(text) == wanted;
    let all = of(category);
    all.iter().find(|usual| is(usual.label)).or_else(|| all.iter().find(|usual| is(usual.id)))
}

const fn field(id: &'static str, label: &'static str, kind: &'static str) -> Usual {
    Usual { id, label, kind, purpose: None }
}

const USERNAME: Usual = Usual { purpose: Some(Purpose::Username), ..field("username", "username", "STRING") };
const PASSWORD: Usual = Usual { purpose: Some(Purpose::Password), ..field("password", "password", "CONCEALED") };
const NOTES: Usual = Usual { purpose: Some(Purpose::Notes), ..field("notesPlain", "notesPlain", "STRING") };

const API_CREDENTIAL: [Usual; 8] = [
    field("username", "username", "STRING"),
    field("credential", "credential", "CONCEALED"),
    field("type", "type", "MENU"),
    field("filename", "filename", "STRING"),
    field("validFrom", "valid from", "DATE"),
    field("expires", "expires", "DATE"),
    field("hostname", "hostname", "STRING"),
    NOTES,
];
const BANK_ACCOUNT: [Usual; 9] = [
    field("bankName", "bank name", "STRING"),
    field("owner", "name on account", "STRING"),
    field("accountType", "type", "MENU"),
    field("routingNo", "routing number", "STRING"),
    field("accountNo", "account number", "STRING"),
    field("swift", "SWIFT", "STRING"),
    field("iban", "IBAN", "STRING"),
    field("telephonePin", "PIN", "CONCEALED"),
    NOTES,
];
const CREDIT_CARD: [Usual; 7] = [
    field("cardholder", "cardholder name", "STRING"),
    field("type", "type", "CREDIT_CARD_TYPE"),
    field("ccnum", "number", "CREDIT_CARD_NUMBER"),
    field("cvv", "verification number", "CONCEALED"),
    field("expiry", "expiry date", "MONTH_YEAR"),
    field("validFrom", "valid from", "MONTH_YEAR"),
    NOTES,
];
const CRYPTO_WALLET: [Usual; 3] =
    [field("recoveryPhrase", "recovery phrase", "CONCEALED"), field("password", "password", "CONCEALED"), NOTES];
const DATABASE: [Usual; 10] = [
    field("database_type", "type", "MENU"),
    field("hostname", "server", "STRING"),
    field("port", "port", "STRING"),
    field("database", "database", "STRING"),
    field("username", "username", "STRING"),
    field("password", "password", "CONCEALED"),
    field("sid", "SID", "STRING"),
    field("alias", "alias", "STRING"),
    field("options", "connection options", "STRING"),
    NOTES,
];
const DRIVER_LICENSE: [Usual; 12] = [
    field("fullname", "full name", "STRING"),
    field("address", "address", "STRING"),
    field("birthdate", "date of birth", "DATE"),
    field("gender", "gender", "STRING"),
    field("height", "height", "STRING"),
    field("number", "number", "STRING"),
    field("class", "license class", "STRING"),
    field("conditions", "conditions / restrictions", "STRING"),
    field("state", "state", "STRING"),
    field("country", "country", "STRING"),
    field("expiry_date", "expiry date", "MONTH_YEAR"),
    NOTES,
];
const EMAIL_ACCOUNT: [Usual; 8] = [
    field("pop_type", "type", "MENU"),
    field("pop_username", "username", "STRING"),
    field("pop_server", "server", "STRING"),
    field("pop_port", "port number", "STRING"),
    field("pop_password", "password", "CONCEALED"),
    field("pop_security", "security", "MENU"),
    field("pop_authentication", "auth method", "MENU"),
    NOTES,
];
const LOGIN: [Usual; 3] = [USERNAME, PASSWORD, NOTES];
const MEDICAL_RECORD: [Usual; 6] = [
    field("date", "date", "DATE"),
    field("location", "location", "STRING"),
    field("healthcareprofessional", "healthcare professional", "STRING"),
    field("patient", "patient", "STRING"),
    field("reason", "reason for visit", "STRING"),
    NOTES,
];
const MEMBERSHIP: [Usual; 9] = [
    field("org_name", "group", "STRING"),
    field("website", "website", "URL"),
    field("phone", "telephone", "PHONE"),
    field("member_name", "member name", "STRING"),
    field("member_since", "member since", "MONTH_YEAR"),
    field("expiry_date", "expiry date", "MONTH_YEAR"),
    field("membership_no", "member ID", "STRING"),
    field("pin", "PIN", "CONCEALED"),
    NOTES,
];
const OUTDOOR_LICENSE: [Usual; 8] = [
    field("name", "full name", "STRING"),
    field("valid_from", "valid from", "DATE"),
    field("expires", "expires", "DATE"),
    field("game", "approved wildlife", "STRING"),
    field("quota", "maximum quota", "STRING"),
    field("state", "state", "STRING"),
    field("country", "country", "STRING"),
    NOTES,
];
const PASSPORT: [Usual; 12] = [
    field("type", "type", "STRING"),
    field("issuing_country", "issuing country", "STRING"),
    field("number", "number", "STRING"),
    field("fullname", "full name", "STRING"),
    field("gender", "gender", "STRING"),
    field("nationality", "nationality", "STRING"),
    field("issuing_authority", "issuing authority", "STRING"),
    field("birthdate", "date of birth", "DATE"),
    field("birthplace", "place of birth", "STRING"),
    field("issue_date", "issued on", "DATE"),
    field("expiry_date", "expiry date", "DATE"),
    NOTES,
];
const JUST_A_PASSWORD: [Usual; 2] = [PASSWORD, NOTES];
const REWARD_PROGRAM: [Usual; 5] = [
    field("company_name", "company name", "STRING"),
    field("member_name", "member name", "STRING"),
    field("membership_no", "member ID", "STRING"),
    field("pin", "PIN", "CONCEALED"),
    NOTES,
];
const SERVER: [Usual; 4] = [
    field("url", "URL", "STRING"),
    field("username", "username", "STRING"),
    field("password", "password", "CONCEALED"),
    NOTES,
];
const SOCIAL_SECURITY_NUMBER: [Usual; 3] =
    [field("name", "name", "STRING"), field("number", "number", "CONCEALED"), NOTES];
const SOFTWARE_LICENSE: [Usual; 3] =
    [field("product_version", "version", "STRING"), field("reg_code", "license key", "STRING"), NOTES];
const SSH_KEY: [Usual; 5] = [
    field("public_key", "public key", "STRING"),
    field("fingerprint", "fingerprint", "STRING"),
    field("private_key", "private key", "SSHKEY"),
    field("key_type", "key type", "STRING"),
    NOTES,
];
const WIRELESS_ROUTER: [Usual; 9] = [
    field("name", "base station name", "STRING"),
    field("password", "base station password", "CONCEALED"),
    field("server", "server / IP address", "STRING"),
    field("airport_id", "AirPort ID", "STRING"),
    field("network_name", "network name", "STRING"),
    field("wireless_security", "wireless security", "MENU"),
    field("wireless_password", "wireless network password", "CONCEALED"),
    field("disk_password", "attached storage password", "CONCEALED"),
    NOTES,
];
