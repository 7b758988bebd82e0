//! Where `op` is, if it's one that nobody else can have put there.
//!
//! It's handed a token that opens whatever the account may see, so whoever could replace it could
//! take that token.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::environment::folders;

/// What the program is called.
const NAME: &str = "op";

/// The most symbolic links followed, as the system itself does.
const MOST_LINKS: usize = 40;

/// Groups whose members can become root anyway: root's own and, on a Mac, the administrators'.
const TRUSTED_GROUPS: &[u32] = if cfg!(target_os = "macos") { &[0, 80] } else { &[0] };

const STICKY: u32 = 0o1000;
const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_ALL: u32 = 0o002;

/// Why there's no `op` to be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LocateError {
    /// The configured path isn't absolute.
    #[error("{}: the path of op isn't absolute", .0.display())]
    Relative(PathBuf),
    /// None of the folders has it.
    #[error("op isn't in any folder of PATH")]
    Absent,
    /// There's no program at the path.
    #[error("{}: no program that can be run", .0.display())]
    NoProgram(PathBuf),
    /// It can't be looked at.
    #[error("{}: can't be looked at: {kind}", .path.display())]
    Unseen {
        /// What can't.
        path: PathBuf,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// Others can change it, or what's in the folder.
    #[error("{}: others than its owner can write to it, and so could replace op", .0.display())]
    Writable(PathBuf),
    /// It's somebody else's.
    #[error("{}: it belongs to another user, who could replace op", .0.display())]
    Foreign(PathBuf),
}

/// How strictly a place is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The program, or the folder it stands in.
    Near,
    /// A folder above: the sticky bit keeps others from renaming what isn't theirs.
    Above,
}

impl LocateError {
    fn unseen(path: &Path, error: &io::Error) -> Self {
        Self::Unseen { path: path.to_owned(), kind: error.kind() }
    }

    /// What a person can do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Relative(_) => "ask the owner to give the absolute path of op as `command` in the configuration",
            Self::Absent => {
                "ask the owner to install the 1Password CLI, or to give its path as `command` in the configuration"
            }
            Self::NoProgram(_) | Self::Unseen { .. } => {
                "ask the owner to check that op is installed where `command` in the configuration says"
            }
            Self::Writable(_) => {
                "ask the owner to run `opward doctor`, which names the place, and to take others' right to write there away (chmod go-w)"
            }
            Self::Foreign(_) => {
                "ask the owner to install the 1Password CLI as root or as this user, or to give its path as `command` in the configuration"
            }
        }
    }
}

/// Finds the program: at the configured path, else in the first folder that has it.
pub(super) fn locate(command: Option<&Path>, search_path: &OsStr) -> Result<PathBuf, LocateError> {
    let program = match command {
        Some(command) if !command.is_absolute() => return Err(LocateError::Relative(command.to_owned())),
        Some(command) => command.to_owned(),
        None => {
            let candidates = folders(search_path).map(|folder| folder.join(NAME));
            candidates.into_iter().find(|candidate| is_program(candidate)).ok_or(LocateError::Absent)?
        }
    };
    if !is_program(&program) {
        return Err(LocateError::NoProgram(program));
    }
    trust(&program)?;
    Ok(program)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) && rustix::fs::access(path, Access::EXEC_OK).is_ok()
}

/// Checks a program, each link that leads to it, and every folder on the way.
fn trust(program: &Path) -> Result<(), LocateError> {
    let mut path = program.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let folder = fs::canonicalize(folder).map_err(|error| LocateError::unseen(folder, &error))?;
        for (above, ancestor) in folder.ancestors().enumerate() {
            judge(ancestor, if above == 0 { Place::Near } else { Place::Above })?;
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            // Not a link: this is the program itself.
            Err(_) => return judge(&path, Place::Near),
        }
    }
    Err(LocateError::NoProgram(program.to_owned()))
}

fn judge(path: &Path, place: Place) -> Result<(), LocateError> {
    let metadata = fs::metadata(path).map_err(|error| LocateError::unseen(path, &error))?;
    let me = rustix::process::geteuid().as_raw();
    if ![0, me].contains(&metadata.uid()) {
        return Err(LocateError::Foreign(path.to_owned()));
    }
    if others_write(&metadata) && (place == Place::Near || metadata.mode() & STICKY == 0) {
        return Err(LocateError::Writable(path.to_owned()));
    }
    Ok(())
}

fn others_write(metadata: &Metadata) -> bool {
    let by_group = metadata.mode() & WRITABLE_BY_GROUP != 0 && !TRUSTED_GROUPS.contains(&metadata.gid());
    by_group || metadata.mode() & WRITABLE_BY_ALL != 0
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A folder with a program called `op` in it.
    fn installed(folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        set_mode(folder, 0o755);
        let program = folder.join("op");
        fs::write(&program, "").unwrap();
        set_mode(&program, 0o755);
        program
    }

    fn home() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().canonicalize().unwrap();
        (home, path)
    }

    #[test]
    fn the_first_folder_that_has_it_counts() {
        let (_home, home) = home();
        let (first, second) = (home.join("a"), installed(&home.join("b")));
        installed(&home.join("c"));
        fs::create_dir_all(first.join("op")).unwrap();
        let unusable = installed(&home.join("d"));
        set_mode(&unusable, 0o644);
        let path = std::env::join_paths([first, home.join("missing"), home.join("d"), home.join("b"), home.join("c")]);
        assert_eq!(locate(None, &path.unwrap()), Ok(second));
    }

    #[test]
    fn neither_the_working_directory_nor_anything_relative_to_it_is_searched() {
        // The tests' working directory is the repository, which has a folder `target`.
        let folder = tempfile::tempdir_in("target").unwrap();
        installed(folder.path());
        assert!(folder.path().is_relative() || folder.path().starts_with(std::env::current_dir().unwrap()));
        let name = Path::new("target").join(folder.path().file_name().unwrap());
        assert!(is_program(&name.join("op")), "the search would find it");
        for path in [OsString::new(), ":".into(), ".".into(), format!("::{}:.", name.display()).into()] {
            assert_eq!(locate(None, &path), Err(LocateError::Absent), "{path:?}");
        }
        let given = name.join("op");
        assert_eq!(locate(Some(&given), OsStr::new("")), Err(LocateError::Relative(given.clone())));
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let (_home, home) = home();
        let folder = home.join("bin");
        let program = installed(&folder);
        let (found, refused) = (Ok(program.clone()), |path: &Path| Err(LocateError::Writable(path.to_owned())));
        let look = || locate(Some(&program), OsStr::new(""));
        assert_eq!(look(), found);
        chown(&program, None, Some(4242)).unwrap_or(());
        let foreign_group = fs::metadata(&program).unwrap().gid() != 0;
        for mode in [0o757, 0o775] {
            set_mode(&program, mode);
            if mode == 0o757 || foreign_group {
                assert_eq!(look(), refused(&program), "{mode:o}");
            }
        }
        set_mode(&program, 0o755);
        for mode in [0o777, 0o1777, 0o757] {
            set_mode(&folder, mode);
            assert_eq!(look(), refused(&folder), "{mode:o}");
        }
        set_mode(&folder, 0o755);
        set_mode(&home, 0o777);
        assert_eq!(look(), refused(&home));
        set_mode(&home, 0o1777);
        assert_eq!(look(), found);
    }

    #[test]
    fn each_link_on_the_way_is_looked_at() {
        let (_home, home) = home();
        let program = installed(&home.join("real"));
        let (open, closed) = (home.join("open"), home.join("closed"));
        for folder in [&open, &closed] {
            fs::create_dir(folder).unwrap();
            set_mode(folder, 0o755);
        }
        symlink(&program, open.join("op")).unwrap();
        symlink("../open/op", closed.join("op")).unwrap();
        let link = closed.join("op");
        assert_eq!(locate(Some(&link), OsStr::new("")), Ok(link.clone()));
        set_mode(&open, 0o777);
        assert_eq!(locate(Some(&link), OsStr::new("")), Err(LocateError::Writable(open)));
    }

    #[test]
    fn another_users_program_is_refused() {
        let (_home, home) = home();
        let program = installed(&home.join("bin"));
        if chown(&program, Some(4242), None).is_err() {
            eprintln!("only root can give a file away: left out");
            return;
        }
        assert_eq!(locate(Some(&program), OsStr::new("")), Err(LocateError::Foreign(program)));
    }

    #[test]
    fn a_link_to_itself_is_no_program() {
        let (_home, home) = home();
        symlink("op", home.join("op")).unwrap();
        let link = home.join("op");
        assert_eq!(locate(Some(&link), OsStr::new("")), Err(LocateError::NoProgram(link)));
    }
}
