//! `[[http.token]]`: bearers known by their digest.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use toml::de::DeTable;

use crate::model::{PrincipalName, TOKEN_PREFIX, TokenDigest};
use crate::policy::reader::Section;
use crate::policy::{Problems, read_time};

/// A bearer that's known by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenConfig {
    /// Who shows it.
    pub principal: PrincipalName,
    /// SHA-256 over its text.
    pub sha256: TokenDigest,
    /// From here on it's refused.
    pub expires: Option<Timestamp>,
}

pub(super) const HEAD: &str = "http.token";

const NAME: &str = "`[[http.token]]`";

const KEYS: [&str; 3] = ["principal", "sha256", "expires"];

const REMEDY: &str = "a token that stood in a file is no longer a secret: make another with `opward token new` and \
    write down the digest it prints";

impl TokenConfig {
    /// A bearer for a principal.
    #[must_use]
    pub fn new(principal: PrincipalName, sha256: TokenDigest, expires: Option<Timestamp>) -> Self {
        Self { principal, sha256, expires }
    }
}

/// As it stands in a configuration.
impl fmt::Display for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A principal's name has no character that would have to be escaped.
        write!(f, "[[{HEAD}]]\nprincipal = \"{}\"\nsha256 = \"{}\"", self.principal, self.sha256)?;
        self.expires.map_or(Ok(()), |expires| write!(f, "\nexpires = {expires:.0}"))
    }
}

pub(super) fn read_all(section: &Section<'_, '_>, problems: &mut Problems) -> Vec<TokenConfig> {
    let mut digests = BTreeSet::new();
    let tables = section.tables_headed("token", HEAD, problems);
    tables.into_iter().filter_map(|table| read(table.value, table.span, &mut digests, problems)).collect()
}

fn read(
    table: &DeTable<'_>,
    span: Range<usize>,
    digests: &mut BTreeSet<TokenDigest>,
    problems: &mut Problems,
) -> Option<TokenConfig> {
    if stands_in(table, problems) {
        return None;
    }
    let section = Section::open(table, span, NAME, &KEYS, problems);
    let principal = read_principal(&section, problems);
    let sha256 = read_digest(&section, digests, problems);
    let expires = read_time(&section, "expires", problems);
    Some(TokenConfig { principal: principal?, sha256: sha256?, expires })
}

/// Notes each token that was written where its digest belongs. What's noted isn't shown.
fn stands_in(table: &DeTable<'_>, problems: &mut Problems) -> bool {
    let mut found = false;
    for (key, value) in table {
        let text = value.get_ref().as_str();
        // Whatever else somebody put beside a digest may be the token, in any shape.
        let may_be_one = match &**key.get_ref() {
            "principal" | "expires" => text.is_some_and(|text| text.starts_with(TOKEN_PREFIX)),
            "sha256" => text.is_none_or(|text| TokenDigest::parse(text).is_err()),
            _ => true,
        };
        if may_be_one {
            problems.hide(value.span());
        }
        let message = if key.get_ref().starts_with(TOKEN_PREFIX) {
            problems.hide(key.span());
            "a key is a token".to_owned()
        } else if text.is_some_and(|text| text.starts_with(TOKEN_PREFIX)) || &**key.get_ref() == "token" {
            format!("`{}` holds the token itself", key.get_ref())
        } else {
            continue;
        };
        found = true;
        problems.add_with_help(key.span(), message, "not here", Some(REMEDY.to_owned()));
    }
    found
}

fn read_principal(section: &Section<'_, '_>, problems: &mut Problems) -> Option<PrincipalName> {
    if section.value("principal").is_none() {
        section.missing("principal", "the name by which rules know whoever shows the token", problems);
        return None;
    }
    let name = section.string("principal", problems)?;
    PrincipalName::parse(name.value).map_err(|error| problems.add(name.span, error.to_string(), "not a name")).ok()
}

fn read_digest(
    section: &Section<'_, '_>,
    digests: &mut BTreeSet<TokenDigest>,
    problems: &mut Problems,
) -> Option<TokenDigest> {
    let help = || Some("`opward token new --principal NAME` makes a token and prints its digest".to_owned());
    if section.value("sha256").is_none() {
        section.missing("sha256", &help().unwrap_or_default(), problems);
        return None;
    }
    let text = section.string("sha256", problems)?;
    let Ok(digest) = TokenDigest::parse(text.value) else {
        problems.add_with_help(text.span, "`sha256` has 64 hexadecimal digits", "not a digest", help());
        return None;
    };
    if !digests.insert(digest) {
        let help = "give each principal a token of its own".to_owned();
        problems.add_with_help(text.span, "two tokens have the same digest", "used before", Some(help));
        return None;
    }
    Some(digest)
}
