//! What a call answers with: its two streams and its exit code.

use std::process::Command;

use crate::clock;
use crate::world::World;

/// What's printed, and the exit code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) exit: i32,
    /// What `op run` starts, once the world is unlocked.
    pub(crate) program: Option<Program>,
}

/// What `op run` was given.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) words: Vec<String>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) mask: bool,
}

/// Why a command isn't done: its text without the `[ERROR]` and the time before it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) text: String,
    pub(crate) exit: i32,
    /// What had been printed before.
    pub(crate) stdout: Vec<u8>,
    /// What follows a wrong flag.
    usage: Option<&'static str>,
}

/// What a command prints, or why it doesn't.
pub(crate) type Outcome = Result<Output, Refusal>;

/// What a command prints, and what it starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) program: Option<Program>,
}

impl Reply {
    pub(crate) fn ok(output: Output) -> Self {
        Self { stdout: output.stdout, program: output.program, ..Self::default() }
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.exit == 0
    }

    /// Starts what `op run` was given, conceals what it prints, and ends as it ends.
    pub(crate) fn followed_by_its_program(mut self) -> Self {
        let Some(Program { words, set, mask }) = self.program.take() else { return self };
        let Some((name, arguments)) = words.split_first() else { return self };
        let output = match Command::new(name).args(arguments).envs(set.iter().cloned()).output() {
            Ok(output) => output,
            Err(error) => {
                self.stderr = error_line(&format!("couldn't start the process: {error}"), 0);
                self.exit = 1;
                return self;
            }
        };
        let masked = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let secrets = set.iter().filter(|(_, secret)| mask && !secret.is_empty());
            secrets.fold(text, |text, (_, secret)| text.replace(secret, "<concealed by 1Password>"))
        };
        self.stdout.extend_from_slice(masked(&output.stdout).as_bytes());
        self.stderr.push_str(&masked(&output.stderr));
        self.exit = output.status.code().unwrap_or(1);
        self
    }
}

impl Refusal {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: 1, stdout: Vec::new(), usage: None }
    }

    pub(crate) fn with_exit(self, exit: i32) -> Self {
        Self { exit, ..self }
    }

    pub(crate) fn with_usage(self, usage: &'static str) -> Self {
        Self { usage: Some(usage), ..self }
    }

    pub(crate) fn with_stdout(self, stdout: Vec<u8>) -> Self {
        Self { stdout, ..self }
    }

    pub(crate) fn into_reply(self, world: &World) -> Reply {
        let mut stderr = error_line(&self.text, world.utc_offset());
        if let Some(usage) = self.usage {
            stderr.push_str("\nUsage:  op ");
            stderr.push_str(usage);
            stderr.push_str(" [flags]\n\nRun 'op --help' for more information.\n");
        }
        Reply { stdout: self.stdout, stderr, exit: self.exit, program: None }
    }
}

impl From<Vec<u8>> for Output {
    fn from(stdout: Vec<u8>) -> Self {
        Self { stdout, program: None }
    }
}

impl From<String> for Output {
    fn from(stdout: String) -> Self {
        Self::from(stdout.into_bytes())
    }
}

/// A line as `op` writes its errors.
pub(crate) fn error_line(text: &str, utc_offset: i64) -> String {
    format!("[ERROR] {} {text}\n", clock::error_stamp(utc_offset))
}
