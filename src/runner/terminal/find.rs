//! Finding a program by its name, as a shell does.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Where programs are looked for when nothing says where.
const USUAL: &str = "/usr/local/bin:/usr/bin:/bin";

/// Why there's no such program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// It isn't there.
    #[error("there's no such program")]
    Nowhere,
    /// It's there, and can't be executed.
    #[error("it isn't a program that you may execute")]
    NotExecutable,
}

impl NotFound {
    /// The status that shells give.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Nowhere => 127,
            Self::NotExecutable => 126,
        }
    }
}

/// Finds a program: one with a slash in its name from the working directory, any other along `PATH`.
///
/// # Errors
///
/// When there's none that can be executed.
pub fn find(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, NotFound> {
    if name.is_empty() {
        return Err(NotFound::Nowhere);
    }
    if name.as_bytes().contains(&b'/') {
        return executable(Path::new(name)).map(|()| PathBuf::from(name));
    }
    let mut found = NotFound::Nowhere;
    for folder in path.unwrap_or(OsStr::new(USUAL)).as_bytes().split(|byte| *byte == b':') {
        // An empty entry is the working directory.
        let folder = if folder.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(folder)) };
        let file = folder.join(name);
        match executable(&file) {
            Ok(()) => return Ok(file),
            // One further along may do.
            Err(NotFound::NotExecutable) => found = NotFound::NotExecutable,
            Err(NotFound::Nowhere) => {}
        }
    }
    Err(found)
}

fn executable(file: &Path) -> Result<(), NotFound> {
    // A folder that mustn't be looked into may hold it or not.
    let kind = match std::fs::metadata(file) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Err(NotFound::NotExecutable),
        Err(_) => return Err(NotFound::Nowhere),
    };
    let may = kind.is_file() && access(file, Access::EXEC_OK).is_ok();
    if may { Ok(()) } else { Err(NotFound::NotExecutable) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_program_is_found_as_shells_find_it() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            file
        };
        let (plain, first, second) = (make("a/plain", 0o644), make("a/both", 0o644), make("b/both", 0o755));
        let path =
            format!("{}/none:{}/a:{}/b", folder.path().display(), folder.path().display(), folder.path().display());
        let look = |name: &str| find(OsStr::new(name), Some(OsStr::new(&path)));
        assert_eq!(look("both"), Ok(second.clone()), "what can't be executed is passed over");
        assert_eq!(look("plain"), Err(NotFound::NotExecutable));
        assert_eq!(look("neither"), Err(NotFound::Nowhere));
        assert_eq!(look(""), Err(NotFound::Nowhere));
        assert_eq!(look(second.to_str().unwrap()), Ok(second));
        for file in [&plain, &first] {
            assert_eq!(look(file.to_str().unwrap()), Err(NotFound::NotExecutable));
        }
        assert_eq!(look("/"), Err(NotFound::NotExecutable), "a folder is no program");
        assert!(find(OsStr::new("sh"), None).is_ok());
        assert_eq!((NotFound::Nowhere.status(), NotFound::NotExecutable.status()), (127, 126));
    }
}
