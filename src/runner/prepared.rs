//! A job whose paths have all been opened: from here on nothing is looked up by name again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::home::{Home, HomeName};
use super::job::{Argument, Job, NotRun, Sandbox, Slot};
use super::parameter::open_under;
use super::place::{self, Way};
use super::program::Program;
use crate::memory::Payload;

/// Where every program looks for others.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A job without its values, which can be sent to a supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    exe: PathBuf,
    pinned: Option<[u8; 32]>,
    may_be_script: bool,
    arguments: Vec<Argument>,
    variables: Vec<(String, OsString)>,
    directory: Option<PathBuf>,
    may_read: Vec<PathBuf>,
    may_write: Vec<PathBuf>,
    pub(super) network: bool,
    pub(super) timeout: Duration,
    pub(super) sandbox: Sandbox,
    pub(super) home: HomeName,
}

/// What's opened.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) program: Program,
    /// The name it's called by.
    called: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(String, OsString)>,
    directory: Option<(PathBuf, OwnedFd)>,
    pub(super) opened: Vec<(OwnedFd, Access)>,
}

/// What a confined program may do with something it's given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Read it and all below.
    Read,
    /// Read it, and start programs there.
    Run,
    /// Read it and change it.
    Change,
}

impl Plan {
    /// Takes a job apart: what may be written down, and the values.
    pub(super) fn of(job: Job) -> (Self, Vec<(Slot, Payload)>) {
        let plan = Self {
            exe: job.exe,
            pinned: job.pinned,
            may_be_script: job.may_be_script,
            arguments: job.arguments,
            variables: job.variables,
            directory: job.directory,
            may_read: job.may_read,
            may_write: job.may_write,
            network: job.network,
            timeout: job.timeout,
            sandbox: job.sandbox,
            home: HomeName::new(),
        };
        (plan, job.secrets)
    }

    /// Opens everything the job names, and checks it.
    pub(super) fn prepare(&self) -> Result<Prepared, NotRun> {
        let program = Program::open(&self.exe, self.pinned.as_ref(), self.may_be_script)?;
        let mut opened = Vec::new();
        let mut arguments = Vec::new();
        for argument in &self.arguments {
            match argument {
                Argument::Text(text) => arguments.push(text.clone()),
                Argument::Under { root, relative, before, after } => {
                    let (named, file) = open_under(root, relative)?;
                    // Only what was looked at can be read: put something else in its place, and that can't be.
                    opened.push((file, Access::Read));
                    arguments.push([OsString::from(before), named, OsString::from(after)].into_iter().collect());
                }
            }
        }
        let directory = self.directory.as_deref().map(open_directory).transpose()?;
        if self.sandbox != Sandbox::Off {
            let readable = if self.may_be_script { Access::Run } else { Access::Read };
            for (paths, access) in [(&self.may_read, readable), (&self.may_write, Access::Change)] {
                for path in paths {
                    opened.push((open_place(path)?.1, access));
                }
            }
        }
        let (called, variables) = (self.exe.clone(), self.variables.clone());
        Ok(Prepared { program, called, arguments, variables, directory, opened })
    }
}

impl Prepared {
    /// The program with its arguments, its environment, its place and a group of its own, and nothing on its input.
    #[expect(clippy::disallowed_methods, reason = "the runner is what starts programs")]
    pub(super) fn command(&self, home: &Home) -> Command {
        let home = home.path();
        let mut command = Command::new(self.program.path());
        command.arg0(&self.called).args(&self.arguments).env_clear().envs(self.environment(home));
        command.current_dir(self.directory(home)).stdin(Stdio::null()).process_group(0);
        command
    }

    /// What's said when it couldn't be started, by the name it's known by.
    pub(super) fn not_started(&self, error: &io::Error) -> NotRun {
        NotRun::Program(format!("{} couldn't be started: {error}", self.called.display()))
    }

    /// The whole environment: the few variables of every program, the job's own, and those with values.
    fn environment(&self, home: &Path) -> BTreeMap<OsString, OsString> {
        let fixed = [("PATH", PATH), ("LANG", "C.UTF-8"), ("LC_ALL", "C.UTF-8")];
        let fixed = fixed.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let homes = ["HOME", "TMPDIR"].map(|name| (OsString::from(name), home.as_os_str().to_owned()));
        let own = self.variables.iter().map(|(name, value)| (OsString::from(name), value.clone()));
        fixed.into_iter().chain(homes).chain(own).collect()
    }

    /// Where it begins: the opened folder itself, or its home.
    fn directory(&self, home: &Path) -> PathBuf {
        match &self.directory {
            #[cfg(target_os = "linux")]
            Some((_, opened)) => place::of_descriptor(opened),
            #[cfg(not(target_os = "linux"))]
            Some((real, _)) => real.clone(),
            None => home.to_owned(),
        }
    }
}

/// Looks at the folders that a job names as a run would: where it begins, and what it may read and change.
///
/// # Errors
///
/// Why it wouldn't be run.
pub fn look_at_places<'a>(directory: Option<&Path>, others: impl IntoIterator<Item = &'a Path>) -> Result<(), NotRun> {
    directory.map(open_directory).transpose()?;
    others.into_iter().try_for_each(|path| open_place(path).map(drop))
}

fn open_place(path: &Path) -> Result<(PathBuf, OwnedFd), NotRun> {
    let real = place::resolve(path, Way::WithoutLinks).map_err(NotRun::Place)?;
    let opened = place::open_resolved(&real).map_err(NotRun::Place)?;
    Ok((real, opened))
}

fn open_directory(path: &Path) -> Result<(PathBuf, OwnedFd), NotRun> {
    use rustix::fs::{FileType, fstat};

    let (real, opened) = open_place(path)?;
    let found = fstat(&opened).map_err(|error| NotRun::system(&path.display().to_string(), error))?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
        return Ok((real, opened));
    }
    Err(NotRun::Place(format!("{} isn't a folder, so no program can begin there", path.display())))
}
