//! A field as it's sent, made into one as it's kept.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use crate::answer::{Refusal, invalid};
use crate::generate;
use crate::item::{id_in, new_id, text};
use crate::settings::Settings;

/// What a field is checked against.
pub(crate) struct Around<'a> {
    pub(crate) category: &'a str,
    /// The item's sections, by id, each with its label.
    pub(crate) sections: &'a [(String, Option<String>)],
    pub(crate) settings: &'a Settings,
    /// The same field as it's stored now.
    pub(crate) stored: Option<&'a Map<String, Value>>,
    /// Its place among those of its section.
    pub(crate) index: usize,
}

/// The kinds that can be written; SPEC's `TOTP` isn't one, though the document says so.
const KINDS: [&str; 15] = [
    "STRING",
    "EMAIL",
    "CONCEALED",
    "URL",
    "OTP",
    "DATE",
    "MONTH_YEAR",
    "MENU",
    "ADDRESS",
    "CREDIT_CARD_NUMBER",
    "CREDIT_CARD_TYPE",
    "GENDER",
    "PHONE",
    "REFERENCE",
    "SSHKEY",
];

/// Whether Connect knows what such a field holds.
pub(crate) fn is_known(field: &Map<String, Value>) -> bool {
    text(field, "type").is_none_or(|kind| KINDS.contains(&kind))
}

/// What the server's validator says.
pub(crate) fn rejected(what: &str) -> Refusal {
    invalid(format!(
        "Validation: (validateVaultItem failed to Validate), Couldn't validate the item: \"[ItemValidator] has found 1 errors, 0 warnings: \nErrors: {{1. {what}}}\""
    ))
}

/// Checks a field and fills in what wasn't said.
pub(crate) fn accept(sent: &Map<String, Value>, around: &Around<'_>) -> Result<Map<String, Value>, Refusal> {
    let section = section(sent, around)?;
    let place = section.as_ref().map_or(0, |(at, _)| at + 1);
    let place = format!("details.sections[{place}].fields[{}]", around.index);
    let kind = kind(sent, around, &place)?;
    let purpose = purpose(sent, around, &place)?;
    let mut field = Map::new();
    let id = id(sent, &kind, purpose, &place)?;
    if let Some((_, section)) = section {
        field.insert("section".to_owned(), section);
    }
    let value = value(sent, &kind, around, &place)?;
    let label = match (text(sent, "label"), purpose) {
        (Some(label), _) => Some(label.to_owned()),
        // Since 1.5.0 these always have one.
        (None, Some(purpose)) => Some(purpose.id().to_owned()),
        (None, None) => None,
    };
    field.insert("id".to_owned(), json!(id));
    field.insert("type".to_owned(), json!(kind));
    for (key, text) in
        [("purpose", purpose.map(|purpose| purpose.name().to_owned())), ("label", label), ("value", value)]
    {
        if let Some(text) = text {
            field.insert(key.to_owned(), json!(text));
        }
    }
    if around.settings.echo_generate {
        for key in ["generate", "recipe"] {
            field.extend(sent.get(key).map(|value| (key.to_owned(), value.clone())));
        }
    }
    keep_history(&mut field, around.stored);
    Ok(field)
}

/// What a field is for in a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Username,
    Password,
    Notes,
}

impl Purpose {
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Username, Self::Password, Self::Notes].into_iter().find(|purpose| purpose.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Username => "USERNAME",
            Self::Password => "PASSWORD",
            Self::Notes => "NOTES",
        }
    }

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Password => "password",
            Self::Notes => "notesPlain",
        }
    }

    /// Whether items of a category have such a field.
    fn belongs_in(self, category: &str) -> bool {
        match self {
            Self::Username => category == "LOGIN",
            Self::Password => matches!(category, "LOGIN" | "PASSWORD"),
            Self::Notes => true,
        }
    }
}

/// The section it's in, and which one that is.
fn section(sent: &Map<String, Value>, around: &Around<'_>) -> Result<Option<(usize, Value)>, Refusal> {
    let Some(id) = id_in(sent, "section") else {
        let named = sent.get("section").and_then(Value::as_object).and_then(|section| text(section, "label"));
        return if named.is_some() { Err(rejected("a field's section has no id")) } else { Ok(None) };
    };
    let found = around.sections.iter().enumerate().find(|(_, (known, _))| known == id);
    let (at, (id, label)) = found.ok_or_else(|| rejected(&format!("the item has no section {id}")))?;
    let mut section = json!({ "id": id });
    if let (Some(section), Some(label)) = (section.as_object_mut(), label) {
        section.insert("label".to_owned(), json!(label));
    }
    Ok(Some((at, section)))
}

fn kind(sent: &Map<String, Value>, around: &Around<'_>, place: &str) -> Result<String, Refusal> {
    let kind = text(sent, "type").unwrap_or("STRING").to_uppercase();
    let stored = around.stored.and_then(|stored| text(stored, "type"));
    if KINDS.contains(&kind.as_str()) || stored == Some(&kind) {
        Ok(kind)
    } else {
        Err(rejected(&format!("{place} has unsupported field type: {}", kind.to_lowercase())))
    }
}

fn purpose(sent: &Map<String, Value>, around: &Around<'_>, place: &str) -> Result<Option<Purpose>, Refusal> {
    let login = matches!(around.category, "LOGIN" | "PASSWORD");
    let Some(name) = text(sent, "purpose") else {
        // One that's at this place without its purpose would be a second username or password.
        return match text(sent, "id") {
            Some("password") if login => Err(rejected(&format!("{place} needs its purpose"))),
            Some("username") if around.category == "LOGIN" => Err(rejected(&format!("{place} needs its purpose"))),
            _ => Ok(None),
        };
    };
    let purpose = Purpose::named(name).filter(|purpose| purpose.belongs_in(around.category));
    purpose.map(Some).ok_or_else(|| rejected(&format!("{place} has an unsupported purpose")))
}

fn id(sent: &Map<String, Value>, kind: &str, purpose: Option<Purpose>, place: &str) -> Result<String, Refusal> {
    if let Some(purpose) = purpose {
        return Ok(purpose.id().to_owned());
    }
    match text(sent, "id") {
        Some(id) if kind == "OTP" && !id.starts_with("TOTP_") => {
            Err(rejected(&format!("{place} has an unsupported id for its type")))
        }
        Some(id) => Ok(id.to_owned()),
        None if kind == "OTP" => Ok(format!("TOTP_{}", new_id())),
        None => Ok(new_id()),
    }
}

fn value(sent: &Map<String, Value>, kind: &str, around: &Around<'_>, place: &str) -> Result<Option<String>, Refusal> {
    let given = match sent.get("value") {
        None | Some(Value::Null) => None,
        Some(Value::String(value)) => Some(value.clone()).filter(|value| !value.is_empty()),
        Some(_) => return Err(invalid("Invalid request body")),
    };
    let recipe = sent.get("recipe").and_then(Value::as_object);
    let generate = sent.get("generate").and_then(Value::as_bool).unwrap_or_default();
    let Some(value) = given else {
        return if generate { generate::value(recipe).map(Some) } else { Ok(None) };
    };
    let wrong = |what: &str| rejected(&format!("{place} has an invalid {what}"));
    match kind {
        "DATE" => date(&value, around.settings.zone_offset_minutes).map(Some).ok_or_else(|| wrong("date")),
        "MONTH_YEAR" => month(&value).map(Some).ok_or_else(|| wrong("month and year")),
        _ => Ok(Some(value)),
    }
}

/// Unix seconds, of a day where the server is, or of themselves.
fn date(value: &str, offset_minutes: i32) -> Option<String> {
    if value.parse::<i64>().is_ok() {
        return Some(value.to_owned());
    }
    let zone = TimeZone::fixed(Offset::from_seconds(offset_minutes * 60).ok()?);
    let day = Date::strptime("%Y-%m-%d", value).ok()?.to_zoned(zone).ok()?;
    Some(day.timestamp().as_second().to_string())
}

/// `YYYYMM`, also of `MM/YYYY`.
fn month(value: &str) -> Option<String> {
    let compact = match value.split_once('/') {
        Some((month, year)) => format!("{year}{month}"),
        None => value.to_owned(),
    };
    let digits = compact.len() == 6 && compact.bytes().all(|byte| byte.is_ascii_digit());
    let month: u8 = compact.get(4..).filter(|_| digits)?.parse().ok()?;
    (1..=12).contains(&month).then_some(compact)
}

/// The server alone says how strong a password is and what it was before.
fn keep_history(field: &mut Map<String, Value>, stored: Option<&Map<String, Value>>) {
    let Some(stored) = stored else { return };
    let is_password = text(stored, "purpose") == Some("PASSWORD");
    let mut details = stored.get("passwordDetails").and_then(Value::as_object).cloned().unwrap_or_default();
    if is_password
        && text(stored, "value") != text(field, "value")
        && let Some(old) = stored.get("value")
        && let Some(history) = details.entry("history").or_insert_with(|| json!([])).as_array_mut()
    {
        history.insert(0, old.clone());
    }
    if !details.is_empty() {
        field.insert("passwordDetails".to_owned(), Value::Object(details));
    }
    if let Some(entropy) = stored.get("entropy") {
        field.insert("entropy".to_owned(), entropy.clone());
    }
}
