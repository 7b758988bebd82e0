//! The categories and the fields that an item of each begins with.

use serde_json::{Value, json};

use crate::json::print;
use crate::reply::{Outcome, Refusal};
use crate::world::set;

/// A category.
struct Template {
    name: &'static str,
    category: &'static str,
    sections: &'static [(&'static str, &'static str)],
    /// Each as `id TYPE section|label`; the notes, which all have, are left out.
    fields: &'static [&'static str],
}

const TEMPLATES: [Template; 22] = [
    Template {
        name: "API Credential",
        category: "API_CREDENTIAL",
        sections: &[],
        fields: &[
            "username STRING |username",
            "credential CONCEALED |credential",
            "type MENU |type",
            "filename STRING |filename",
            "validFrom DATE |valid from",
            "expires DATE |expires",
            "hostname STRING |hostname",
        ],
    },
    Template {
        name: "Bank Account",
        category: "BANK_ACCOUNT",
        sections: &[("branchInfo", "Branch Information")],
        fields: &[
            "bankName STRING |bank name",
            "owner STRING |name on account",
            "accountType MENU |type",
            "routingNo STRING |routing number",
            "accountNo STRING |account number",
            "swift STRING |SWIFT",
            "iban STRING |IBAN",
            "telephonePin CONCEALED |PIN",
            "branchPhone PHONE branchInfo|phone",
            "branchAddress STRING branchInfo|address",
        ],
    },
    Template {
        name: "Credit Card",
        category: "CREDIT_CARD",
        sections: &[("details", "Additional Details"), ("contactInfo", "Contact Information")],
        fields: &[
            "cardholder STRING |cardholder name",
            "type CREDIT_CARD_TYPE |type",
            "ccnum CREDIT_CARD_NUMBER |number",
            "cvv CONCEALED |verification number",
            "expiry MONTH_YEAR |expiry date",
            "validFrom MONTH_YEAR |valid from",
            "bank STRING contactInfo|issuing bank",
            "phoneLocal PHONE contactInfo|phone (local)",
            "phoneTollFree PHONE contactInfo|phone (toll free)",
            "phoneIntl PHONE contactInfo|phone (intl)",
            "website URL contactInfo|website",
            "pin CONCEALED details|PIN",
            "creditLimit STRING details|credit limit",
            "cashLimit STRING details|cash withdrawal limit",
            "interest STRING details|interest rate",
            "issuenumber STRING details|issue number",
        ],
    },
    Template {
        name: "Crypto Wallet",
        category: "CUSTOM",
        sections: &[("wallet", "Wallet")],
        fields: &[
            "recoveryPhrase CONCEALED |recovery phrase",
            "password CONCEALED |password",
            "walletAddress STRING wallet|wallet address",
        ],
    },
    Template {
        name: "Database",
        category: "DATABASE",
        sections: &[],
        fields: &[
            "database_type MENU |type",
            "hostname STRING |server",
            "port STRING |port",
            "database STRING |database",
            "username STRING |username",
            "password CONCEALED |password",
            "sid STRING |SID",
            "alias STRING |alias",
            "options STRING |connection options",
        ],
    },
    Template { name: "Document", category: "DOCUMENT", sections: &[], fields: &[] },
    Template {
        name: "Driver License",
        category: "DRIVER_LICENSE",
        sections: &[],
        fields: &[
            "fullname STRING |full name",
            "address STRING |address",
            "birthdate DATE |date of birth",
            "gender STRING |gender",
            "height STRING |height",
            "number STRING |number",
            "class STRING |license class",
            "conditions STRING |conditions / restrictions",
            "state STRING |state",
            "country STRING |country",
            "expiry_date MONTH_YEAR |expiry date",
        ],
    },
    Template {
        name: "Email Account",
        category: "EMAIL_ACCOUNT",
        sections: &[("Contact Information", "Contact Information"), ("SMTP", "SMTP")],
        fields: &[
            "pop_type MENU |type",
            "pop_username STRING |username",
            "pop_server STRING |server",
            "pop_port STRING |port number",
            "pop_password CONCEALED |password",
            "pop_security MENU |security",
            "pop_authentication MENU |auth method",
            "smtp_server STRING SMTP|SMTP server",
            "smtp_port STRING SMTP|port number",
            "smtp_username STRING SMTP|username",
            "smtp_password CONCEALED SMTP|password",
            "smtp_security MENU SMTP|security",
            "smtp_authentication MENU SMTP|auth method",
            "provider STRING Contact Information|provider",
            "provider_website STRING Contact Information|provider's website",
            "phone_local STRING Contact Information|phone (local)",
            "phone_tollfree STRING Contact Information|phone (toll free)",
        ],
    },
    Template {
        name: "Identity",
        category: "IDENTITY",
        sections: &[("address", "Address"), ("name", "Identification"), ("internet", "Internet Details")],
        fields: &[
            "firstname STRING name|first name",
            "initial STRING name|initial",
            "lastname STRING name|last name",
            "gender STRING name|gender",
            "birthdate DATE name|birth date",
            "occupation STRING name|occupation",
            "company STRING name|company",
            "department STRING name|department",
            "jobtitle STRING name|job title",
            "address ADDRESS address|address",
            "defphone PHONE address|default phone",
            "homephone PHONE address|home",
            "cellphone PHONE address|cell",
            "busphone PHONE address|business",
            "username STRING internet|username",
            "reminderq STRING internet|reminder question",
            "remindera STRING internet|reminder answer",
            "email STRING internet|email",
            "website STRING internet|website",
            "icq STRING internet|ICQ",
            "skype STRING internet|skype",
            "aim STRING internet|AOL/AIM",
            "yahoo STRING internet|Yahoo",
            "msn STRING internet|MSN",
            "forumsig STRING internet|forum signature",
        ],
    },
    Template {
        name: "Login",
        category: "LOGIN",
        sections: &[],
        fields: &["username STRING |username", "password CONCEALED |password"],
    },
    Template {
        name: "Medical Record",
        category: "MEDICAL_RECORD",
        sections: &[("medication", "medication")],
        fields: &[
            "date DATE |date",
            "location STRING |location",
            "healthcareprofessional STRING |healthcare professional",
            "patient STRING |patient",
            "reason STRING |reason for visit",
            "medication STRING medication|medication",
            "dosage STRING medication|dosage",
            "notes STRING medication|medication notes",
        ],
    },
    Template {
        name: "Membership",
        category: "MEMBERSHIP",
        sections: &[],
        fields: &[
            "org_name STRING |group",
            "website URL |website",
            "phone PHONE |telephone",
            "member_name STRING |member name",
            "member_since MONTH_YEAR |member since",
            "expiry_date MONTH_YEAR |expiry date",
            "membership_no STRING |member ID",
            "pin CONCEALED |PIN",
        ],
    },
    Template {
        name: "Outdoor License",
        category: "OUTDOOR_LICENSE",
        sections: &[],
        fields: &[
            "name STRING |full name",
            "valid_from DATE |valid from",
            "expires DATE |expires",
            "game STRING |approved wildlife",
            "quota STRING |maximum quota",
            "state STRING |state",
            "country STRING |country",
        ],
    },
    Template {
        name: "Passport",
        category: "PASSPORT",
        sections: &[],
        fields: &[
            "type STRING |type",
            "issuing_country STRING |issuing country",
            "number STRING |number",
            "fullname STRING |full name",
            "gender STRING |gender",
            "nationality STRING |nationality",
            "issuing_authority STRING |issuing authority",
            "birthdate DATE |date of birth",
            "birthplace STRING |place of birth",
            "issue_date DATE |issued on",
            "expiry_date DATE |expiry date",
        ],
    },
    Template { name: "Password", category: "PASSWORD", sections: &[], fields: &["password CONCEALED |password"] },
    Template {
        name: "Reward Program",
        category: "REWARD_PROGRAM",
        sections: &[("extra", "More Information")],
        fields: &[
            "company_name STRING |company name",
            "member_name STRING |member name",
            "membership_no STRING |member ID",
            "pin CONCEALED |PIN",
            "additional_no STRING extra|member ID (additional)",
            "member_since MONTH_YEAR extra|member since",
            "customer_service_phone PHONE extra|customer service phone",
            "reservations_phone PHONE extra|phone for reservations",
            "website URL extra|website",
        ],
    },
    Template { name: "Secure Note", category: "SECURE_NOTE", sections: &[], fields: &[] },
    Template {
        name: "Server",
        category: "SERVER",
        sections: &[("admin_console", "Admin Console"), ("hosting_provider_details", "Hosting Provider")],
        fields: &[
            "url STRING |URL",
            "username STRING |username",
            "password CONCEALED |password",
            "admin_console_url STRING admin_console|admin console URL",
            "admin_console_username STRING admin_console|admin console username",
            "admin_console_password CONCEALED admin_console|console password",
            "name STRING hosting_provider_details|name",
            "website STRING hosting_provider_details|website",
            "support_contact_url STRING hosting_provider_details|support URL",
            "support_contact_phone STRING hosting_provider_details|support phone",
        ],
    },
    Template {
        name: "Social Security Number",
        category: "SOCIAL_SECURITY_NUMBER",
        sections: &[],
        fields: &["name STRING |name", "number CONCEALED |number"],
    },
    Template {
        name: "Software License",
        category: "SOFTWARE_LICENSE",
        sections: &[("customer", "Customer"), ("order", "Order"), ("publisher", "Publisher")],
        fields: &[
            "product_version STRING |version",
            "reg_code STRING |license key",
            "reg_name STRING customer|licensed to",
            "reg_email EMAIL customer|registered email",
            "company STRING customer|company",
            "download_link URL publisher|download page",
            "publisher_name STRING publisher|publisher",
            "publisher_website URL publisher|website",
            "retail_price STRING publisher|retail price",
            "support_email EMAIL publisher|support email",
            "order_date DATE order|purchase date",
            "order_number STRING order|order number",
            "order_total STRING order|order total",
        ],
    },
    Template { name: "SSH Key", category: "SSH_KEY", sections: &[], fields: &["private_key SSHKEY |private key"] },
    Template {
        name: "Wireless Router",
        category: "WIRELESS_ROUTER",
        sections: &[],
        fields: &[
            "name STRING |base station name",
            "password CONCEALED |base station password",
            "server STRING |server / IP address",
            "airport_id STRING |AirPort ID",
            "network_name STRING |network name",
            "wireless_security MENU |wireless security",
            "wireless_password CONCEALED |wireless network password",
            "disk_password CONCEALED |attached storage password",
        ],
    },
];

/// A category in capitals, whatever way it was written.
pub(crate) fn category(written: &str) -> String {
    let known = TEMPLATES.iter().find(|template| template.name.eq_ignore_ascii_case(written));
    known.map_or_else(|| written.to_ascii_uppercase().replace([' ', '-'], "_"), |template| template.category.to_owned())
}

/// Whether items of a category can be made.
pub(crate) fn can_be_made(category: &str) -> bool {
    category != "DOCUMENT" && TEMPLATES.iter().any(|template| template.category == category)
}

/// The fields an item of a category begins with, empty.
pub(crate) fn fields(category: &str) -> Vec<Value> {
    let template = TEMPLATES.iter().find(|template| template.category == category);
    let own =
        template.into_iter().flat_map(|template| template.fields.iter().filter_map(|field| template.field(field)));
    let notes = json!({ "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain" });
    own.chain([notes]).collect()
}

/// `op item template get`.
pub(crate) fn get(name: &str) -> Outcome {
    let wanted = category(name);
    let template = TEMPLATES.iter().find(|template| template.category == wanted);
    let unknown = || Refusal::new(format!("\"{name}\" isn't a valid item category"));
    let template = template.ok_or_else(unknown)?;
    let mut shown = json!({ "title": "", "category": template.category });
    let sections: Vec<Value> =
        template.sections.iter().map(|(id, label)| json!({ "id": id, "label": label })).collect();
    set(&mut shown, "sections", json!(sections));
    let fields = fields(template.category).into_iter().map(|mut field| {
        if let Value::Object(map) = &mut field {
            map.insert("value".to_owned(), json!(""));
        }
        field
    });
    set(&mut shown, "fields", fields.collect());
    Ok(print(&shown).into())
}

/// `op item template list`.
pub(crate) fn list() -> Vec<u8> {
    let lines = TEMPLATES
        .iter()
        .enumerate()
        .map(|(at, template)| json!({ "uuid": format!("{:03}", at + 1), "name": template.name }));
    print(&lines.collect())
}

impl Template {
    fn field(&self, text: &str) -> Option<Value> {
        let (head, label) = text.split_once('|')?;
        let mut words = head.splitn(3, ' ');
        let (id, kind, section) = (words.next()?, words.next()?, words.next()?);
        let mut field = json!({ "id": id, "type": kind, "label": label });
        let purpose = match (self.category, id) {
            ("LOGIN", "username") => "USERNAME",
            ("LOGIN" | "PASSWORD", "password") => "PASSWORD",
            _ => "",
        };
        set(&mut field, "purpose", json!(purpose));
        if let Some((id, label)) = self.sections.iter().find(|(id, _)| *id == section) {
            set(&mut field, "section", json!({ "id": id, "label": label }));
        }
        Some(field)
    }
}
