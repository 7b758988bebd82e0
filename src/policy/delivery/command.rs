//! A command that may be given values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::program;
use super::template::written;
use crate::model::{Delivery, DeliveryName, Reference};

/// What a regular expression of a parameter is put between, so that it matches a text as a whole.
pub(super) const ANCHORS: (&str, &str) = (r"\A(?:", r")\z");

/// One `[[command]]` of a policy file.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: DeliveryName,
    /// What it does, for the agents that may use it.
    pub description: Option<String>,
    /// The program's absolute path.
    pub exe: PathBuf,
    /// Its SHA-256, where it's pinned.
    pub sha256: Option<[u8; 32]>,
    /// The arguments, each made of parts that are joined.
    pub args: Vec<Vec<Part>>,
    /// The parameters.
    pub params: BTreeMap<String, Parameter>,
    /// Values in variables of the environment, by the variable's name.
    pub env: BTreeMap<String, Reference>,
    /// Plain variables of the environment.
    pub vars: BTreeMap<String, String>,
    /// A value on standard input.
    pub stdin: Option<Reference>,
    /// Values in files, by descriptor (3 to 9).
    pub fd: BTreeMap<i32, Reference>,
    /// How far it's trusted.
    pub class: Class,
    /// Whether its author accepts that the caller can get the values; only with [`Class::TrustedCode`].
    pub accept_exposure: bool,
    /// What the caller sees of its output.
    pub output: CommandOutput,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether it may reach the network.
    pub network: bool,
    /// Its working directory; absent: its private, empty home.
    pub cwd: Option<PathBuf>,
    /// What it may read, besides the system's programs and libraries.
    pub read: Vec<PathBuf>,
    /// What it may change.
    pub write: Vec<PathBuf>,
    /// Whether it's run confined.
    pub sandbox: SandboxWish,
    /// The line its table begins on.
    pub line: usize,
}

/// A piece of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// What the caller gives for a parameter.
    Parameter(String),
}

/// What a caller may give for a parameter.
#[derive(Debug, Clone)]
pub enum Parameter {
    /// A file or folder below a directory, which is `under`.
    Path {
        /// The directory, absolute.
        under: PathBuf,
    },
    /// One of these.
    Enum {
        /// The words.
        values: Vec<String>,
    },
    /// A text that an anchored regular expression matches as a whole.
    Regex {
        /// The expression, anchored at both ends.
        pattern: regex::Regex,
    },
    /// A whole number.
    Integer {
        /// At least this.
        min: i64,
        /// At most this.
        max: i64,
    },
}

/// How far a command is trusted to keep what it's given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A fixed program with arguments that say exactly what it does.
    Sealed,
    /// Its parameters decide what it does; a caller can learn something through what it answers.
    Parametrised,
    /// It runs what the caller may have written.
    TrustedCode,
}

/// What the caller sees of a command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandOutput {
    /// All of it, with the values hidden.
    Redact,
    /// Whether it went well.
    ExitCode,
    /// Nothing but that it ran.
    None,
}

/// Whether a command is run confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxWish {
    /// By every layer, or not at all.
    Require,
    /// By the layers the system has.
    Prefer,
    /// Not.
    Off,
}

impl Class {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Sealed, Self::Parametrised, Self::TrustedCode];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Parametrised => "parametrised",
            Self::TrustedCode => "trusted-code",
        }
    }
}

impl CommandOutput {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Redact, Self::ExitCode, Self::None];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::ExitCode => "exit-code",
            Self::None => "none",
        }
    }
}

impl SandboxWish {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Require, Self::Prefer, Self::Off];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Prefer => "prefer",
            Self::Off => "off",
        }
    }
}

impl Parameter {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Path { .. } => "path",
            Self::Enum { .. } => "enum",
            Self::Regex { .. } => "regex",
            Self::Integer { .. } => "integer",
        }
    }

    /// The regular expression as its author wrote it.
    #[must_use]
    pub fn written_pattern(&self) -> Option<&str> {
        match self {
            Self::Regex { pattern } => {
                let pattern = pattern.as_str();
                Some(pattern.strip_prefix(ANCHORS.0).and_then(|rest| rest.strip_suffix(ANCHORS.1)).unwrap_or(pattern))
            }
            Self::Path { .. } | Self::Enum { .. } | Self::Integer { .. } => None,
        }
    }
}

/// Whether a caller chooses a file.
pub(super) fn takes_files(params: &BTreeMap<String, Parameter>) -> bool {
    params.values().any(|parameter| matches!(parameter, Parameter::Path { .. }))
}

impl Command {
    /// Every value it's given, in the order of the file's keys.
    pub fn secrets(&self) -> impl Iterator<Item = &Reference> {
        self.env.values().chain(&self.stdin).chain(self.fd.values())
    }

    /// Its arguments as they're written in the file.
    pub fn written_args(&self) -> impl Iterator<Item = String> {
        self.args.iter().map(|parts| written(parts))
    }

    /// Why a program of this name, to which `exe` leads, can't be of the command's class; `None` if it can.
    #[must_use]
    pub fn refuses(&self, file_name: &str) -> Option<String> {
        program::refusal(file_name, self.class, takes_files(&self.params))
    }

    /// What it is to a decision.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.class {
            Class::TrustedCode => Delivery::TrustedCode(self.name.clone()),
            Class::Sealed | Class::Parametrised => Delivery::Command(self.name.clone()),
        }
    }
}
