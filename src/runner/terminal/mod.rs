//! A person's own program, run as if opward weren't there: its terminal, its signals, its end.
//!
//! It isn't confined and its output isn't bounded: it's the person's own command, with the rights the person has
//! (core dumps are off in it, as they are in opward, until it asks for them: `ulimit -c`). Only what it prints goes
//! through a [`Hide`], and it's ended when opward is.
//!
//! There are three processes. opward holds the person's terminal and moves what's printed and typed. An *attendant*,
//! which is opward started once more under a word of its own, starts the program, waits for it and tells how it does
//! over a socket; when that socket closes, because opward is gone, however that came about, it ends the program. Where
//! output goes to a terminal and is hidden in, the program gets a terminal of its own: then the attendant leads the
//! session on it, which makes Ctrl-Z work, since a system stops no process whose parent isn't in its session.

mod attend;
mod find;
mod grip;
mod keyboard;
mod last;
mod line_ends;
mod link;
mod message;
mod output;
mod own;
mod run;
mod screen;
mod signals;
mod sink;
mod staged;
mod start;
mod variables;
mod watched;

use std::ffi::OsString;
use std::path::PathBuf;

pub use attend::attend;
pub use find::{NotFound, find};
pub use last::{die, end_by};
pub use run::run;

use crate::memory::Payload;

/// The words under which opward starts itself; no command is called so.
pub mod word {
    /// Starts a program, and waits for it.
    pub const ATTEND: &str = "__attend";
    /// Ends by a signal.
    pub const END: &str = "__end";
}

/// A program to run, and what's given to it.
#[derive(Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What it's called by, which it sees as its own name.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables of this process that it doesn't get.
    pub without: Vec<String>,
    /// Variables that it gets besides.
    pub variables: Vec<(String, Payload)>,
}

/// Hides values in one stream of output.
pub trait Hide {
    /// Takes a piece in, and appends to `out` what may be shown.
    fn push(&mut self, piece: &[u8], out: &mut Vec<u8>);

    /// Nothing came for a moment: appends what may be shown of what's been held back.
    fn idle(&mut self, out: &mut Vec<u8>);

    /// Nothing will come any more: appends the rest.
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// What became of a program.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// Why what it printed couldn't be written, if it couldn't. A reader that went away is no reason: it wanted no more.
    pub unwritten: Option<std::io::Error>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Exited(u8),
    /// By a signal of this number.
    Killed(i32),
}

/// Why a program didn't start, or isn't known to have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// What's to run it isn't there.
    #[error(
        "what its first line names after `#!`, or the loader it was built for, isn't there; install that, or correct the line"
    )]
    NoInterpreter,
    /// Nothing that the system knows how to run.
    #[error("it's no program for this machine, nor does it begin with `#!`; name what runs it, as in `sh FILE`")]
    NotAProgram,
    /// The system doesn't start it.
    #[error("it can't be started: {0}")]
    NotStarted(std::io::ErrorKind),
    /// What's needed to run it can't be had.
    #[error("nothing can be started: {0}")]
    System(std::io::ErrorKind),
    /// The process that waited for it is gone, so how it would have ended isn't known; it was ended.
    #[error("the process of opward's that looked after it was killed, so it was ended")]
    Lost,
}

impl Broken {
    /// Why the system didn't start it, by the system's number for that.
    fn not_started(reason: i32) -> Self {
        use rustix::io::Errno;

        match Errno::from_raw_os_error(reason) {
            Errno::NOENT => Self::NoInterpreter,
            Errno::NOEXEC => Self::NotAProgram,
            other => Self::NotStarted(other.kind()),
        }
    }

    /// The status that shells give for what isn't started; 1 otherwise.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::NoInterpreter => 127,
            Self::NotAProgram | Self::NotStarted(_) => 126,
            Self::System(_) | Self::Lost => 1,
        }
    }
}

impl From<rustix::io::Errno> for Broken {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.kind())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::System(error.kind())
    }
}
