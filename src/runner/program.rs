//! The program that's executed: opened once, looked at, and executed through the same descriptor.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rustix::fs::{Mode, OFlags, open};

use super::job::NotRun;
use super::place::{self, Way};

const GROUP_OR_OTHERS: u32 = 0o022;
const SET_USER_OR_GROUP: u32 = 0o6000;
const EXECUTABLE: u32 = 0o111;

/// How much is hashed at once.
const CHUNK: usize = 64 * 1024;

/// A program that may be executed.
#[derive(Debug)]
pub(super) struct Program {
    opened: OwnedFd,
    /// Its path without links.
    real: PathBuf,
    script: bool,
}

/// The name of the program that a path leads to, through links that nobody else can change.
///
/// A rule about programs of certain names has to be about this one, too: `mytool` may be a link to a shell.
///
/// # Errors
///
/// When it isn't there, or others could change where the path leads.
pub fn real_name(exe: &Path) -> Result<String, NotRun> {
    let real = place::resolve(exe, Way::OnlyOurs).map_err(NotRun::Program)?;
    name_of(&real)
}

/// Looks at a program as a run would, and gives the name that its path leads to.
///
/// # Errors
///
/// Why it wouldn't be run.
pub fn look_at(exe: &Path, pinned: Option<&[u8; 32]>, may_be_script: bool) -> Result<String, NotRun> {
    name_of(Program::open(exe, pinned, may_be_script)?.real())
}

fn name_of(real: &Path) -> Result<String, NotRun> {
    let name = real.file_name().and_then(|name| name.to_str());
    name.map(ToOwned::to_owned).ok_or_else(|| NotRun::Program(format!("{} is no program", real.display())))
}

impl Program {
    /// Opens a program that nobody but root and the caller can change, and whose digest is the pinned one.
    pub(super) fn open(exe: &Path, pinned: Option<&[u8; 32]>, may_be_script: bool) -> Result<Self, NotRun> {
        let refused = |text: String| NotRun::Program(text);
        let shown = exe.display();
        let real = place::resolve(exe, Way::OnlyOurs).map_err(refused)?;
        // Opened without waiting, because a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = open(&real, flags, Mode::empty()).map_err(|error| {
            refused(format!("{shown} can't be read, so it can't be checked: {}", io::Error::from(error)))
        })?;
        let mut file = File::from(opened);
        let found = file.metadata().map_err(|error| refused(format!("{shown} can't be looked at: {error}")))?;
        if !found.is_file() {
            return Err(refused(format!("{shown} isn't a file")));
        }
        if !place::is_ours(found.uid()) {
            return Err(refused(place::foreign(exe, &real, found.uid())));
        }
        if found.mode() & GROUP_OR_OTHERS != 0 {
            return Err(refused(place::writable(exe, &real, found.mode())));
        }
        if found.mode() & SET_USER_OR_GROUP != 0 {
            return Err(refused(format!(
                "{shown} runs with the rights of its owner or group, whoever starts it: refused"
            )));
        }
        if found.mode() & EXECUTABLE == 0 {
            return Err(refused(format!("{shown} isn't executable")));
        }
        let unreadable = |error: io::Error| refused(format!("{shown} can't be read: {error}"));
        let script = is_script(&mut file).map_err(unreadable)?;
        if script && !may_be_script {
            return Err(refused(format!(
                "{shown} is a script that another program reads, and so can only be of class trusted-code"
            )));
        }
        if let Some(pinned) = pinned
            && hash(&mut file).map_err(unreadable)?.as_ref() != pinned
        {
            return Err(refused(format!(
                "{shown} isn't the program that the policy pins; if it was updated on purpose, pin it anew: sha256sum {shown}"
            )));
        }
        Ok(Self { opened: file.into(), real, script })
    }

    /// What to execute. For a binary that's the opened file itself, whatever has happened to its path since.
    ///
    /// A script can't be handed over like that: its interpreter opens it by its path, after descriptors are closed.
    pub(super) fn path(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        if !self.script {
            return place::of_descriptor(&self.opened);
        }
        self.real.clone()
    }

    /// Its path without links.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// The opened file.
    pub(super) fn opened(&self) -> &OwnedFd {
        &self.opened
    }
}

fn is_script(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::with_capacity(2);
    file.by_ref().take(2).read_to_end(&mut start)?;
    Ok(start == b"#!")
}

fn hash(file: &mut File) -> io::Result<digest::Digest> {
    file.rewind()?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { return Ok(context.finish()) };
        context.update(part);
    }
}

#[cfg(test)]
mod tests;
