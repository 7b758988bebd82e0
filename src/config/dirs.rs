//! Where opward keeps its files.

use std::path::{Path, PathBuf};

use super::environment::Environment;

/// The folders for configuration, data and state. They may not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

/// Why there are no folders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirsError {
    /// A relative path would mean another folder in each working directory.
    #[error("{name} must be an absolute path; it's {}", path.display())]
    Relative {
        /// The variable.
        name: &'static str,
        /// What it says.
        path: PathBuf,
    },
    /// Nothing says where the user's files are.
    #[error("can't tell where your files are: set {0}, or OPWARD_HOME to a folder for opward's files")]
    NoHome(&'static str),
}

/// Whose customs to follow.
#[derive(Debug, Clone, Copy)]
enum Platform {
    Apple,
    Windows,
    Xdg,
}

impl Dirs {
    /// Finds the folders: `OPWARD_HOME` for all three, else what the platform is used to.
    ///
    /// # Errors
    ///
    /// When `OPWARD_HOME` is relative, or nothing says where the user's files are.
    pub fn find(environment: &Environment) -> Result<Self, DirsError> {
        let platform = if cfg!(windows) {
            Platform::Windows
        } else if cfg!(target_vendor = "apple") {
            Platform::Apple
        } else {
            Platform::Xdg
        };
        Self::of(platform, environment)
    }

    /// All three in one folder.
    #[must_use]
    pub fn in_one(folder: &Path) -> Self {
        Self { config: folder.to_owned(), data: folder.to_owned(), state: folder.to_owned() }
    }

    /// Where `opward.toml` and `policy.toml` are.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Where vaults are.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where the audit log is.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    fn of(platform: Platform, environment: &Environment) -> Result<Self, DirsError> {
        if let Some(home) = &environment.home {
            return absolute("OPWARD_HOME", home).map(|home| Self::in_one(&home));
        }
        let user = |variable| {
            let home = environment.user.as_ref().filter(|home| home.is_absolute());
            home.ok_or(DirsError::NoHome(variable))
        };
        let known = |path: &Option<PathBuf>| path.clone().filter(|path| path.is_absolute());
        match platform {
            Platform::Apple => Ok(Self::in_one(&user("HOME")?.join("Library/Application Support/opward"))),
            Platform::Windows => {
                let config = known(&environment.roaming).ok_or(DirsError::NoHome("APPDATA"))?.join("opward");
                let local = known(&environment.local).ok_or(DirsError::NoHome("LOCALAPPDATA"))?.join("opward");
                Ok(Self { config, data: local.clone(), state: local })
            }
            Platform::Xdg => {
                // The specification has relative paths ignored.
                let folder = |given: &Option<PathBuf>, usual: &str| match known(given) {
                    Some(folder) => Ok(folder.join("opward")),
                    None => Ok(user("HOME")?.join(usual).join("opward")),
                };
                Ok(Self {
                    config: folder(&environment.xdg_config, ".config")?,
                    data: folder(&environment.xdg_data, ".local/share")?,
                    state: folder(&environment.xdg_state, ".local/state")?,
                })
            }
        }
    }
}

/// A path from the environment, if it doesn't depend on the working directory.
pub(super) fn absolute(name: &'static str, path: &Path) -> Result<PathBuf, DirsError> {
    if path.is_absolute() { Ok(path.to_owned()) } else { Err(DirsError::Relative { name, path: path.to_owned() }) }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn dirs(platform: Platform, variables: &[(&str, &str)]) -> Result<Dirs, DirsError> {
        Dirs::of(platform, &Environment::of_texts(variables.iter().copied()))
    }

    #[test]
    fn follows_the_platform() {
        let xdg = dirs(Platform::Xdg, &[("HOME", "/h"), ("XDG_STATE_HOME", "/s"), ("XDG_DATA_HOME", "rel")]).unwrap();
        assert_eq!(xdg.config(), Path::new("/h/.config/opward"));
        assert_eq!(xdg.data(), Path::new("/h/.local/share/opward"), "a relative XDG path is ignored");
        assert_eq!(xdg.state(), Path::new("/s/opward"));
        let apple = dirs(Platform::Apple, &[("HOME", "/h")]).unwrap();
        assert_eq!(apple.data(), Path::new("/h/Library/Application Support/opward"));
        let windows = dirs(Platform::Windows, &[("APPDATA", "/r"), ("LOCALAPPDATA", "/l")]).unwrap();
        assert_eq!((windows.config(), windows.state()), (Path::new("/r/opward"), Path::new("/l/opward")));
    }

    #[test]
    fn one_folder_holds_all_if_asked_and_never_depends_on_the_working_directory() {
        let all = dirs(Platform::Xdg, &[("OPWARD_HOME", "/o"), ("HOME", "/h")]).unwrap();
        assert_eq!(all, Dirs::in_one(Path::new("/o")));
        assert!(matches!(dirs(Platform::Xdg, &[("OPWARD_HOME", "o")]), Err(DirsError::Relative { .. })));
        for platform in [Platform::Xdg, Platform::Apple, Platform::Windows] {
            assert!(matches!(dirs(platform, &[("HOME", "h")]), Err(DirsError::NoHome(_))));
        }
    }
}
