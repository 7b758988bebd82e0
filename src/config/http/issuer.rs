//! `[[http.issuer]]`: whose signed tokens are believed, and which of them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use super::algorithm;
use super::url::{HttpUrl, IssuerUrl, NotAnHttpUrl};
use crate::config::source::read_path;
use crate::model::PrincipalName;
use crate::model::SigningAlgorithm;
use crate::policy::reader::{Placed, Section};
use crate::policy::{Problems, parse_duration};

/// Whose signed tokens are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerConfig {
    /// Its name, which `iss` repeats byte for byte.
    pub issuer: IssuerUrl,
    /// What `aud` must say.
    pub audience: String,
    /// Where its keys are.
    pub keys: KeysPlace,
    /// What it may sign with; at least one.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The claim that names the principal.
    pub principal_claim: String,
    /// What's put before that name. No two issuers could make the same name.
    pub principal_prefix: String,
    /// The longest time between a token's making and its end.
    pub max_lifetime: Duration,
    /// What a token must carry; none is nothing.
    pub scopes: Vec<String>,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysPlace {
    /// They're asked for.
    Url(IssuerUrl),
    /// They're in a file.
    File(PathBuf),
}

pub(super) const HEAD: &str = "http.issuer";

const NAME: &str = "`[[http.issuer]]`";

const KEYS: [&str; 9] = [
    "issuer",
    "audience",
    "jwks_url",
    "jwks_file",
    "algorithms",
    "principal_claim",
    "principal_prefix",
    "max_lifetime",
    "scopes",
];

const USUAL_LIFETIME: Duration = Duration::from_hours(1);
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// The longest text of a claim's name, an audience or a scope, in bytes.
const MAX_TEXT_BYTES: usize = 512;

/// The longest prefix, which leaves room for the name behind it.
const MAX_PREFIX_BYTES: usize = 64;

/// Claims that don't say who somebody is.
const NOT_A_NAME: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// Reads every `[[http.issuer]]`; `url` is the audience of those that name none.
pub(super) fn read_all(
    section: &Section<'_, '_>,
    url: Option<&HttpUrl>,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<IssuerConfig> {
    let mut issuers: Vec<IssuerConfig> = Vec::new();
    for table in section.tables_headed("issuer", HEAD, problems) {
        let span = table.span.clone();
        let Some(issuer) = read(table.value, table.span, url, folder, problems) else {
            continue;
        };
        if issuers.iter().any(|other| other.issuer.as_str() == issuer.issuer.as_str()) {
            let help = Some("write what both say into one".to_owned());
            problems.add_with_help(span.clone(), format!("two issuers are `{}`", issuer.issuer), "the second", help);
        } else if let Some(other) = issuers.iter().find(|other| overlap(other, &issuer)) {
            let message = format!("what `{}` calls somebody could be the name of somebody else's", issuer.issuer);
            let help = format!(
                "give it and `{}` a `principal_prefix` each, such as \"okta:\" and \"ci:\", of which neither begins \
                 with the other",
                other.issuer
            );
            problems.add_with_help(span, message, "names could clash", Some(help));
        }
        issuers.push(issuer);
    }
    issuers
}

/// Whether one issuer could make a principal's name that's meant to come from the other.
fn overlap(one: &IssuerConfig, other: &IssuerConfig) -> bool {
    let (one, other) = (&one.principal_prefix, &other.principal_prefix);
    one.starts_with(other.as_str()) || other.starts_with(one.as_str())
}

fn read(
    table: &DeTable<'_>,
    span: Range<usize>,
    url: Option<&HttpUrl>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<IssuerConfig> {
    let section = Section::open(table, span, NAME, &KEYS, problems);
    if section.value("issuer").is_none() {
        section.missing("issuer", "its name, as its tokens say it in `iss`", problems);
    }
    let issuer = read_address(&section, "issuer", IssuerUrl::parse_name, problems);
    let audience = read_audience(&section, url, problems);
    let keys = read_keys(&section, folder, problems);
    let algorithms = algorithm::read(&section, problems);
    let principal_claim = read_claim(&section, problems);
    let principal_prefix = read_prefix(&section, problems);
    let max_lifetime = read_lifetime(&section, problems);
    let scopes = read_scopes(&section, problems);
    let (issuer, audience, keys) = (issuer?, audience?, keys?);
    Some(IssuerConfig { issuer, audience, keys, algorithms, principal_claim, principal_prefix, max_lifetime, scopes })
}

fn read_address(
    section: &Section<'_, '_>,
    key: &str,
    parse: fn(&str) -> Result<IssuerUrl, NotAnHttpUrl>,
    problems: &mut Problems,
) -> Option<IssuerUrl> {
    let text = section.string(key, problems)?;
    match parse(text.value) {
        Ok(url) => Some(url),
        Err(error) => {
            super::refuse_address(&text, &error, problems);
            None
        }
    }
}

fn read_audience(section: &Section<'_, '_>, url: Option<&HttpUrl>, problems: &mut Problems) -> Option<String> {
    let Some(text) = section.string("audience", problems) else {
        if section.value("audience").is_none() && url.is_none() {
            section.missing("audience", "what its tokens say in `aud`; or write `url` under [http]", problems);
        }
        return url.map(|url| url.as_str().to_owned());
    };
    if is_visible(text.value) {
        return Some(text.value.to_owned());
    }
    problems.add(text.span, "`audience` is what tokens say in `aud`: visible characters, without blanks", "here");
    None
}

fn is_visible(text: &str) -> bool {
    (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn read_keys(section: &Section<'_, '_>, folder: &Path, problems: &mut Problems) -> Option<KeysPlace> {
    let url = read_address(section, "jwks_url", IssuerUrl::parse_keys, problems).map(KeysPlace::Url);
    let file = read_path(section, "jwks_file", folder, problems).map(KeysPlace::File);
    match (section.key_span("jwks_url"), section.key_span("jwks_file")) {
        (Some(_), Some(span)) => {
            problems.add(span, "an issuer's keys are in one place: `jwks_url` or `jwks_file`", "the second");
            None
        }
        (None, None) => {
            section.missing("jwks_url", "where its keys are: `jwks_url`, or `jwks_file` for a copy of them", problems);
            None
        }
        (Some(_), None) => url,
        (None, Some(_)) => file,
    }
}

fn read_claim(section: &Section<'_, '_>, problems: &mut Problems) -> String {
    let usual = || "sub".to_owned();
    let Some(text) = section.string("principal_claim", problems) else {
        return usual();
    };
    if NOT_A_NAME.contains(&text.value) {
        let message = format!("`{}` doesn't say who somebody is", text.value);
        let help = "a claim that's different for everybody, and that nobody can choose: \"sub\"".to_owned();
        problems.add_with_help(text.span, message, "here", Some(help));
    } else if !is_visible(text.value) {
        problems.add(text.span, "`principal_claim` is a claim's name: visible characters, without blanks", "here");
    } else {
        return text.value.to_owned();
    }
    usual()
}

fn read_prefix(section: &Section<'_, '_>, problems: &mut Problems) -> String {
    let Some(text) = section.string("principal_prefix", problems) else {
        return String::new();
    };
    let is_one = text.value.is_empty() || PrincipalName::parse(text.value).is_ok();
    if text.value.len() > MAX_PREFIX_BYTES || !is_one {
        let message = format!(
            "`principal_prefix` has at most {MAX_PREFIX_BYTES} letters, digits or `. _ - @ : +`, such as \"okta:\""
        );
        problems.add(text.span, message, "not the beginning of a name");
    }
    text.value.to_owned()
}

fn read_lifetime(section: &Section<'_, '_>, problems: &mut Problems) -> Duration {
    let Some(text) = section.string("max_lifetime", problems) else {
        return USUAL_LIFETIME;
    };
    match parse_duration(text.value) {
        Ok(lifetime) if !lifetime.is_zero() && lifetime <= LONGEST_LIFETIME => return lifetime,
        Ok(_) => {
            let help = "a stolen token serves until it ends: have the issuer make short ones".to_owned();
            problems.add_with_help(text.span, "`max_lifetime` is between 1s and 24h", "out of range", Some(help));
        }
        Err(error) => problems.add(text.span, error.to_string(), "not a duration"),
    }
    USUAL_LIFETIME
}

fn read_scopes(section: &Section<'_, '_>, problems: &mut Problems) -> Vec<String> {
    let texts = section.strings("scopes", problems).map(|texts| texts.value).unwrap_or_default();
    let mut scopes: Vec<String> = Vec::with_capacity(texts.len());
    for Placed { value, span } in texts {
        if value.contains(' ') {
            problems.add(span, "each scope is a text of its own", "write [\"a\", \"b\"]");
        } else if !is_visible(value) || value.contains(['"', '\\']) {
            problems.add(span, "a scope has visible ASCII characters, but no `\"` and no `\\`", "not a scope");
        } else if scopes.iter().any(|scope| scope == value) {
            problems.add(span, format!("the scope `{value}` is named twice"), "the second time");
        } else {
            scopes.push(value.to_owned());
        }
    }
    scopes
}
