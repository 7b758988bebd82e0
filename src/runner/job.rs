//! What's asked of the runner, and how it ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::memory::Payload;

/// A program to run, and all it's given.
#[derive(Debug)]
pub struct Job {
    /// The program's absolute path.
    pub exe: PathBuf,
    /// SHA-256 of the program, where it's pinned.
    pub pinned: Option<[u8; 32]>,
    /// Whether it may be a script that another program reads (`#!`), and may start programs among the files it reads.
    pub may_be_script: bool,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// Plain variables of its environment, beside the few every program gets.
    pub variables: Vec<(String, OsString)>,
    /// Values, and where it finds them.
    pub secrets: Vec<(Slot, Payload)>,
    /// Its working directory; `None` for its private, empty home.
    pub directory: Option<PathBuf>,
    /// What it may read, besides the system's programs and libraries.
    pub may_read: Vec<PathBuf>,
    /// What it may change, besides its private home.
    pub may_write: Vec<PathBuf>,
    /// Whether it may reach the network.
    pub network: bool,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether it's confined.
    pub sandbox: Sandbox,
}

/// One argument of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Argument {
    /// As it is.
    Text(OsString),
    /// Something below a directory, which must be there and be reached without a link. What's before and after it in
    /// the same argument stands in `before` and `after`.
    Under {
        /// The directory, absolute.
        root: PathBuf,
        /// The way from there: plain names with `/` between them.
        relative: String,
        /// What stands before it.
        before: String,
        /// What stands after it.
        after: String,
    },
}

/// Where a program finds a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Slot {
    /// In a variable of its environment.
    Variable(String),
    /// On its standard input.
    StandardInput,
    /// In a file that it finds as this descriptor, 3 to 9.
    Descriptor(i32),
}

/// Whether a program is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sandbox {
    /// By every layer there is, or it isn't run.
    Require,
    /// By the layers this system has.
    Prefer,
    /// By none.
    Off,
}

/// Which of a program's outputs a piece is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What's added to a signal's number for an exit code.
pub(super) const BY_SIGNAL: i32 = 128;

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; 128 and the signal's number if a signal ended it, as shells have it.
    pub exit_code: i32,
    /// Whether a signal ended it.
    pub killed: bool,
    /// Whether it was ended because it took too long.
    pub timed_out: bool,
    /// Whether its output may go on: it didn't end by itself, or something else held its output open.
    pub cut_off: bool,
    /// How long it took.
    pub took: Duration,
    /// What confined it, as words for the record: `landlock:7 seccomp no_new_privileges no_network`, or `none`. At the
    /// end stands `left` where something of it couldn't be ended or removed.
    pub layers: String,
}

/// Why a program wasn't run, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NotRun {
    /// The program isn't there, can't be executed, isn't the pinned one, or could be changed by others.
    #[error("{0}")]
    Program(String),
    /// A parameter names something that isn't there or lies elsewhere.
    #[error("{0}")]
    Parameter(String),
    /// A folder that the job names isn't there, isn't one, or is reached through a link.
    #[error("{0}")]
    Place(String),
    /// A layer of the sandbox that's required isn't there.
    #[error("the sandbox isn't complete here: {0}")]
    Sandbox(String),
    /// The system refused something that's needed to start it.
    #[error("{0}")]
    System(String),
    /// It may have been started, but what watches over it was ended from outside, and it with that.
    #[error("the process that watches over the program was ended from outside, so the program was ended, too")]
    Lost,
}

impl NotRun {
    /// A refusal of the system, in its own words.
    pub(super) fn system(what: &str, error: impl Into<std::io::Error>) -> Self {
        Self::System(format!("{what}: {}", error.into()))
    }
}
