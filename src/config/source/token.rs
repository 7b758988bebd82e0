//! Where a token is kept: in a file or a variable, never in the configuration.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::common::read_path;
use crate::config::parse::is_variable;
use crate::policy::Problems;
use crate::policy::reader::Section;

/// Where a token is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// A file that only its owner can read.
    File(PathBuf),
    /// An environment variable of the server.
    Variable(String),
}

/// How service accounts' and Connect's tokens begin.
const BEGINNINGS: [&str; 2] = ["ops_", "eyJ"];

const WHERE: &str = "tokens never stand in this file: write it to a file of mode 0600 and name that with `token_file`, \
    or name the variable that holds it with `token_env`";

/// Notes each token that was written into a source's table. What's noted isn't shown.
pub(super) fn stands_in(table: &DeTable<'_>, problems: &mut Problems) -> bool {
    let mut found = false;
    for (key, value) in table {
        if may_hold_one(key.get_ref(), value.get_ref().as_str()) {
            problems.hide(value.span());
        }
        let is_named_so = &**key.get_ref() == "token";
        let text = value.get_ref().as_str();
        let looks_so = text.is_some_and(|text| BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)));
        // A name may begin as it likes.
        if !is_named_so && (!looks_so || &**key.get_ref() == "name") {
            continue;
        }
        found = true;
        problems.hide(value.span());
        let message = format!("`{}` holds a token", key.get_ref());
        let help = match &**key.get_ref() {
            name @ ("token_file" | "file" | "key_file") => {
                format!("{WHERE}; if it's the name of a file, write ./ before it ({name} = \"./…\")")
            }
            _ => WHERE.to_owned(),
        };
        problems.add_with_help(key.span(), message, "not here", Some(help));
    }
    found
}

/// Whether a key that isn't for secrets sounds like one to somebody in a hurry.
fn may_hold_one(key: &str, text: Option<&str>) -> bool {
    match key {
        "token_env" | "session_env" => !text.is_some_and(is_variable),
        "token_file" | "key_file" => false,
        "url" => text.is_some_and(|text| text.contains(['@', '?', '#'])),
        _ => ["token", "secret", "pass", "key", "credential", "session"].iter().any(|word| key.contains(word)),
    }
}

/// `token_file` or `token_env`; not both.
pub(super) fn read(section: &Section<'_, '_>, folder: &Path, problems: &mut Problems) -> Option<TokenPlace> {
    let file = read_path(section, "token_file", folder, problems).map(TokenPlace::File);
    let variable = read_variable(section, "token_env", problems).map(TokenPlace::Variable);
    if let (Some(_), Some(span)) = (section.key_span("token_file"), section.key_span("token_env")) {
        problems.add(span, "a source has one token: either `token_file` or `token_env`", "the second");
    }
    file.or(variable)
}

/// The name of an environment variable.
pub(super) fn read_variable(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<String> {
    let name = section.string(key, problems)?;
    if is_variable(name.value) {
        return Some(name.value.to_owned());
    }
    // It may be a token of a kind that isn't known here.
    problems.hide(name.span.clone());
    let help = "the name of a variable, such as OP_SERVICE_ACCOUNT_TOKEN; the token itself never stands in this file";
    problems.add_with_help(name.span, format!("`{key}` doesn't name a variable"), "here", Some(help.to_owned()));
    None
}
