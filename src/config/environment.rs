//! The process environment, read once.

use std::ffi::OsString;
use std::path::PathBuf;

/// Everything opward takes from the environment. Nothing reads it after this is built.
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
}

impl Environment {
    /// Reads the process environment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn read() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Reads an environment that a function stands for. A variable that's set to nothing counts as not set.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| lookup(name).filter(|value| !value.is_empty());
        let path = |name| value(name).map(PathBuf::from);
        Self {
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
        }
    }
}
