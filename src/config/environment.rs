//! The process environment, read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The variable that says where a Connect server is.
pub const CONNECT_HOST: &str = "OP_CONNECT_HOST";
/// The variable that holds a Connect server's token.
pub const CONNECT_TOKEN: &str = "OP_CONNECT_TOKEN";
/// The variable that holds a service account's token.
pub const SERVICE_ACCOUNT_TOKEN: &str = "OP_SERVICE_ACCOUNT_TOKEN";
/// What a variable begins with that holds a session's token.
const SESSION: &str = "OP_SESSION";

/// Everything opward takes from the environment. Nothing reads it after this is built, and no
/// process that's started inherits any of it, but a person's own command under `opward run`: that one
/// has all of it, without [what's withheld](Self::withheld).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Environment {
    /// `OPWARD_CONFIG`: the configuration file.
    pub config: Option<PathBuf>,
    /// `OPWARD_HOME`: one folder for configuration, data and state.
    pub home: Option<PathBuf>,
    /// `OPWARD_LOG`: which log lines to write.
    pub log: Option<String>,
    /// `NO_COLOR` is set and not empty: no colours, whatever the terminal can.
    pub no_color: bool,
    /// The user's home folder.
    pub(super) user: Option<PathBuf>,
    pub(super) xdg_config: Option<PathBuf>,
    pub(super) xdg_data: Option<PathBuf>,
    pub(super) xdg_state: Option<PathBuf>,
    /// Windows' folder for data that follows the user.
    pub(super) roaming: Option<PathBuf>,
    /// Windows' folder for data that stays on the machine.
    pub(super) local: Option<PathBuf>,
    variables: Variables,
}

/// Every variable: which of them hold a token, only the configuration knows.
#[derive(Clone, Default)]
struct Variables(Arc<BTreeMap<String, Zeroizing<Vec<u8>>>>);

impl Environment {
    /// Reads the process environment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn read() -> Self {
        Self::of(std::env::vars_os())
    }

    /// An environment of these variables. One that's set to nothing counts as not set.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let set: BTreeMap<OsString, OsString> = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let value = |name: &str| set.get(OsStr::new(name)).cloned();
        let path = |name| value(name).map(PathBuf::from);
        let environment = Self {
            config: path("OPWARD_CONFIG"),
            home: path("OPWARD_HOME"),
            log: value("OPWARD_LOG").and_then(|text| text.into_string().ok()),
            no_color: value("NO_COLOR").is_some(),
            user: path(if cfg!(windows) { "USERPROFILE" } else { "HOME" }),
            xdg_config: path("XDG_CONFIG_HOME"),
            xdg_data: path("XDG_DATA_HOME"),
            xdg_state: path("XDG_STATE_HOME"),
            roaming: path("APPDATA"),
            local: path("LOCALAPPDATA"),
            variables: Variables::default(),
        };
        let kept = set.into_iter().filter_map(|(name, value)| {
            let value = Zeroizing::new(value.into_vec());
            name.into_string().ok().map(|name| (name, value))
        });
        Self { variables: Variables(Arc::new(kept.collect())), ..environment }
    }

    /// An environment of these variables, each a text.
    #[must_use]
    pub fn of_texts<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::of(variables.into_iter().map(|(name, value)| (name.into(), value.into())))
    }

    /// What a variable holds, if it's a text. The caller wipes what it copies of it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(OsStr::to_str)
    }

    /// What a variable holds.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.variables.0.get(name).map(|value| OsStr::from_bytes(value))
    }

    /// The names of the variables that are set, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.0.keys().map(String::as_str)
    }

    /// The variables that are opward's own, which no command gets that's run for a person: what opens
    /// 1Password, with the address of a Connect server, since half of that pair breaks `op`; and whatever
    /// begins like ours, but for where our files are, which a script that calls opward needs.
    pub fn withheld(&self) -> impl Iterator<Item = &str> {
        let is_ours = |name: &str| name.starts_with("OPWARD_") && !matches!(name, "OPWARD_CONFIG" | "OPWARD_HOME");
        self.credentials().chain(self.names().filter(move |name| *name == CONNECT_HOST || is_ours(name)))
    }

    /// The variables that let anybody who has them ask 1Password: an agent started beside this
    /// server may well have them, too.
    pub fn credentials(&self) -> impl Iterator<Item = &str> {
        let is_one = |name: &&str| {
            matches!(*name, CONNECT_TOKEN | SERVICE_ACCOUNT_TOKEN | SESSION)
                || name.strip_prefix(SESSION).is_some_and(|rest| rest.starts_with('_'))
        };
        self.names().filter(is_one)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "ops_canary-7f3a";

    #[test]
    fn what_it_holds_is_not_in_its_debug() {
        let environment = Environment::of_texts([(SERVICE_ACCOUNT_TOKEN, CANARY), ("HOME", "/h"), ("EMPTY", "")]);
        assert_eq!(environment.text(SERVICE_ACCOUNT_TOKEN), Some(CANARY));
        assert_eq!(environment.text("EMPTY"), None, "set to nothing is not set");
        assert!(!format!("{environment:?}").contains(CANARY));
        assert!(!format!("{:?}", environment.variables).contains("OP_"));
    }

    #[test]
    fn knows_which_variables_open_1password() {
        let all = [
            (CONNECT_HOST, "http://h"),
            (CONNECT_TOKEN, "t"),
            ("OP_SESSION", "s"),
            ("OP_SESSION_my", "s"),
            ("OP_SESSIONS", "no"),
            (SERVICE_ACCOUNT_TOKEN, "t"),
        ];
        let environment = Environment::of_texts(all);
        let found: Vec<_> = environment.credentials().collect();
        assert_eq!(found, [CONNECT_TOKEN, SERVICE_ACCOUNT_TOKEN, "OP_SESSION", "OP_SESSION_my"]);
    }

    #[test]
    fn knows_which_variables_are_its_own() {
        let all = [(CONNECT_HOST, "h"), (CONNECT_TOKEN, "t"), ("OPWARD_HOME", "/o"), ("OPWARD_LOG", "x"), ("OP", "x")];
        let environment = Environment::of_texts(all);
        let found: Vec<_> = environment.withheld().collect();
        assert_eq!(found, [CONNECT_TOKEN, "OPWARD_LOG", CONNECT_HOST]);
    }
}
