//! What `op` is told of the environment: little, and one credential.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::settings::SignIn;

/// Where it keeps its files, and how it reaches the network.
const FOR_ALL: [&str; 21] = [
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Which accounts this user has signed in to.
const FOR_PEOPLE: [&str; 1] = ["OP_CONFIG_DIR"];

/// What the desktop app is reached through.
const FOR_THE_APP: [&str; 8] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_CLASS",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
];

/// The variables `op` may need, and no others.
///
/// None of 1Password's own is among them but the folder of its configuration. Connect's would win
/// over any sign-in without a word, and those a terminal has left over from signing in would stand in
/// the way of another.
#[derive(Clone, Default)]
pub struct OpEnvironment(Vec<(&'static str, OsString)>);

impl OpEnvironment {
    /// Every variable that's looked up.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FOR_ALL.into_iter().chain(FOR_PEOPLE).chain(FOR_THE_APP)
    }

    /// Takes what's needed from an environment that a function stands for.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let given = Self::names().filter_map(|name| lookup(name).map(|value| (name, value)));
        Self(given.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The whole environment of a process that asks as somebody, or as nobody.
    pub(super) fn of_a_child(&self, search_path: &OsStr, sign_in: Option<&SignIn>) -> Vec<(OsString, OsString)> {
        let told = |name: &&str| {
            let person = sign_in.is_some_and(|sign_in| !sign_in.is_service_account());
            FOR_ALL.contains(name)
                || (person && FOR_PEOPLE.contains(name))
                || (sign_in.is_some_and(SignIn::may_prompt) && FOR_THE_APP.contains(name))
        };
        let given = self.0.iter().filter(|(name, _)| told(name));
        let mut child: Vec<_> = given.map(|(name, value)| (OsString::from(name), value.clone())).collect();
        let mut set = |name: &str, value: &str| child.push((name.into(), value.into()));
        // It would leave a process behind that answers from what it remembers.
        set("OP_CACHE", "false");
        set("OP_INTEGRATION_NAME", "opward");
        set("OP_INTEGRATION_ID", "OPW");
        set("OP_INTEGRATION_BUILDNUMBER", &build_number());
        let app = sign_in.is_some_and(SignIn::may_prompt);
        set("OP_BIOMETRIC_UNLOCK_ENABLED", if app { "true" } else { "false" });
        if !app {
            // On a Mac it would read the app's settings all the same, and wait for a person to allow that.
            set("OP_LOAD_DESKTOP_APP_SETTINGS", "false");
        }
        // Folders that were split out of a path hold nothing that keeps them from being joined.
        child.push(("PATH".into(), env::join_paths(folders(search_path)).unwrap_or_default()));
        child.extend(sign_in.and_then(credential));
        child
    }
}

// Proxies have passwords in their addresses, so names only.
impl fmt::Debug for OpEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The one variable that signs in. The copies made of it on the way are wiped by the allocator.
fn credential(sign_in: &SignIn) -> Option<(OsString, OsString)> {
    let (name, token) = match sign_in {
        SignIn::ServiceAccount(token) => ("OP_SERVICE_ACCOUNT_TOKEN".to_owned(), token),
        SignIn::Session { account, token } => (format!("OP_SESSION_{}", account.as_str()), token),
        SignIn::App { .. } => return None,
    };
    Some((name.into(), OsStr::from_bytes(token.plaintext()).to_owned()))
}

/// The folders of a search path that don't depend on where a process happens to be.
pub(super) fn folders(search_path: &OsStr) -> impl Iterator<Item = PathBuf> {
    env::split_paths(search_path).filter(|folder| folder.is_absolute())
}

/// Two digits for each part of the version, as 1Password's own integrations write theirs.
fn build_number() -> String {
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    format!("{major:0>2}{minor:0>2}{patch:0>2}")
}
