//! The stand-in for 1Password's program does what its page says: what the other tests conclude from it depends on that.

#![expect(clippy::disallowed_methods, reason = "it starts the stand-in, as 1Password's users start `op`")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test, whose helpers are no tests to clippy")]

#[path = "support/fake_op.rs"]
mod fake_op;

#[path = "op_fake/arguments.rs"]
mod arguments;
#[path = "op_fake/faults.rs"]
mod faults;
#[path = "op_fake/reads.rs"]
mod reads;
#[path = "op_fake/replay.rs"]
mod replay;
#[path = "op_fake/signing_in.rs"]
mod signing_in;
#[path = "op_fake/writes.rs"]
mod writes;

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

use fake_op::{FakeOp, TOKEN, install, seed};
use serde_json::{Value, json};

/// An `op` in a folder of its own, and an environment for it.
struct Op {
    fake: FakeOp,
    env: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

/// What's on standard input.
enum Stdin<'a> {
    Nothing,
    Pipe(&'a str),
    File(&'a str),
}

/// How a call ended.
#[derive(Debug)]
struct Answer {
    exit: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Op {
    /// With the seed world, as its service account.
    fn new() -> Self {
        Self::with(&seed())
    }

    fn with(world: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = install(folder.path(), world);
        Self { fake, env: vec![], _folder: folder }.signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)])
    }

    /// With exactly these variables.
    fn signed_in(mut self, variables: &[(&str, &str)]) -> Self {
        self.env = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self
    }

    fn version(self, version: &str) -> Self {
        self.fake.change(|world| world["version"] = json!(version));
        self
    }

    fn fault(&self, on: Option<&str>, what: &Value) {
        self.fake.fault(json!({ "on": on, "times": 1, "do": what }));
    }

    fn settings(&self, settings: &Value) {
        self.fake.settings(settings);
    }

    fn start(&self, words: &[&str], stdin: &Stdin<'_>) -> Child {
        let mut command = Command::new(&self.fake.command);
        command.args(words).env_clear().envs(self.env.iter().cloned()).env("PATH", "/usr/bin:/bin");
        command.current_dir(self.fake.home()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match stdin {
            Stdin::Nothing => command.stdin(Stdio::null()),
            Stdin::Pipe(_) => command.stdin(Stdio::piped()),
            Stdin::File(text) => {
                let path = self.fake.home().join("stdin");
                std::fs::write(&path, text).unwrap();
                command.stdin(File::open(path).unwrap())
            }
        };
        let mut child = command.spawn().unwrap();
        if let Stdin::Pipe(text) = stdin {
            // Who doesn't read it may close it.
            let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        }
        child
    }

    fn run_with(&self, words: &[&str], stdin: &Stdin<'_>) -> Answer {
        let Output { status, stdout, stderr } = self.start(words, stdin).wait_with_output().unwrap();
        Answer { exit: status.code(), stdout, stderr: String::from_utf8(stderr).unwrap() }
    }

    fn run(&self, words: &[&str]) -> Answer {
        self.run_with(words, &Stdin::Nothing)
    }

    /// What a command prints, which must succeed.
    fn ok(&self, words: &[&str]) -> String {
        let answer = self.run(words);
        assert_eq!((answer.exit, answer.stderr.as_str()), (Some(0), ""), "{words:?}");
        answer.text().to_owned()
    }

    fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
        serde_json::from_str(&self.ok(&words)).unwrap()
    }

    /// The message a command fails with, which must have the form of `op`'s.
    fn error(&self, words: &[&str]) -> String {
        self.run(words).error(1)
    }
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The message on standard error, after `[ERROR]` and the time.
    #[track_caller]
    fn error(&self, exit: i32) -> String {
        assert_eq!((self.exit, self.text()), (Some(exit), ""), "{self:?}");
        let line = self.stderr.strip_prefix("[ERROR] ").unwrap();
        let (stamp, message) = line.split_at("2026/11/21 14:00:00".len());
        let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        assert_eq!(shape, "9999/99/99 99:99:99");
        message.trim().to_owned()
    }
}
