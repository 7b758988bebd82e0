//! The stand-in for 1Password's program, put into a folder of the test's own.
//!
//! `tests/fakes/op/README.md` says what can be asked of it.

#![allow(dead_code, reason = "each test target uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helper")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The token of a service account that may read and write both vaults of [`seed`].
pub(crate) const TOKEN: &str = "ops_seed";
/// The token of one that may only read.
pub(crate) const READER_TOKEN: &str = "ops_reader";
/// The token of one that sees `Staging` only.
pub(crate) const STAGING_TOKEN: &str = "ops_staging";
/// The token of one that was deleted.
pub(crate) const DELETED_TOKEN: &str = "ops_deleted";
/// The id of the vault `Staging`.
pub(crate) const STAGING: &str = "stagingvault2xxxxxxxxxxxxx";
/// The id of the vault `Production`.
pub(crate) const PRODUCTION: &str = "productionvault2xxxxxxxxxx";
/// The id of `Staging/GitHub`; ids of the others are made like it.
pub(crate) const GITHUB: &str = "githubaaaaaaaaaaaaaaaaaaaa";

/// An `op` with a world of its own.
#[derive(Debug, Clone)]
pub(crate) struct FakeOp {
    /// The executable.
    pub(crate) command: PathBuf,
    home: PathBuf,
}

/// One call of it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Its words, without the program's name.
    pub(crate) argv: Vec<String>,
    /// All of its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// `null`, `fifo`, `file`, `tty`, `socket` or `closed`.
    pub(crate) stdin_kind: String,
    /// The digest of what it read there, if it read.
    pub(crate) stdin_sha256: Option<String>,
    /// Its exit code, unless it was killed or still runs.
    pub(crate) exit: Option<i32>,
    /// How long it took.
    pub(crate) ms: Option<u64>,
    /// Whether it led a process group of its own.
    pub(crate) pgid_is_own: bool,
    /// Its process.
    pub(crate) pid: u32,
}

/// Puts `op` and its world into a folder.
pub(crate) fn install(folder: &Path, world: &Value) -> FakeOp {
    let command = folder.join("op");
    place(&executable(), &command);
    let fake = FakeOp { command, home: folder.to_owned() };
    fs::write(folder.join("op-world.json"), serde_json::to_vec_pretty(world).unwrap()).unwrap();
    fake
}

/// A world with two vaults and items of most kinds. What may be read begins with `value-`; everything that begins
/// with `canary-` must never get out.
pub(crate) fn seed() -> Value {
    serde_json::from_str(include_str!("../../fixtures/onepassword/op-world.json")).unwrap()
}

/// The token of a Connect server in [`seed`].
pub(crate) const CONNECT_TOKEN: &str = "connect-seed";
/// A session of the person in [`seed`].
pub(crate) const SESSION: &str = "session-seed";
/// The person whose session it is.
pub(crate) const PERSON: &str = "HUMANUSERAAAAAAAAAAAAAAAAA";

impl FakeOp {
    /// The folder it's in.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The calls so far, oldest first. One that was killed is among them.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let text = fs::read_to_string(self.home.join("op-calls.jsonl")).unwrap_or_default();
        text.lines().map(Call::of).collect()
    }

    /// The calls of one command so far: `item get`, `read`.
    pub(crate) fn calls_of(&self, command: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.is(command)).collect()
    }

    /// Forgets the calls so far.
    pub(crate) fn forget_calls(&self) {
        let _ = fs::remove_file(self.home.join("op-calls.jsonl"));
    }

    /// Adds a fault: `{"on": "item get" or null, "times": n or null, "do": …}`.
    pub(crate) fn fault(&self, fault: Value) {
        self.change(|world| world["faults"].as_array_mut().unwrap().push(fault));
    }

    /// Takes all faults away.
    pub(crate) fn no_faults(&self) {
        self.change(|world| world["faults"] = json!([]));
    }

    /// Changes some settings.
    pub(crate) fn settings(&self, settings: &Value) {
        self.change(|world| {
            for (name, value) in settings.as_object().unwrap() {
                world["settings"][name] = value.clone();
            }
        });
    }

    /// The world as it is now.
    pub(crate) fn world(&self) -> Value {
        serde_json::from_slice(&fs::read(self.home.join("op-world.json")).unwrap()).unwrap()
    }

    /// An item as it's stored now.
    pub(crate) fn item(&self, id: &str) -> Option<Value> {
        self.world()["items"].as_array().unwrap().iter().find(|item| item["id"] == id).cloned()
    }

    /// Changes the world while no call does.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        let lock = File::create(self.home.join("op-world.lock")).unwrap();
        lock.lock().unwrap();
        let mut world = self.world();
        change(&mut world);
        let new = self.home.join("op-world.new");
        fs::write(&new, serde_json::to_vec_pretty(&world).unwrap()).unwrap();
        fs::rename(new, self.home.join("op-world.json")).unwrap();
    }
}

impl Call {
    fn of(line: &str) -> Self {
        let call: Value = serde_json::from_str(line).unwrap();
        let words = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            argv: call["argv"].as_array().unwrap().iter().map(words).collect(),
            env: call["env"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), words(value))).collect(),
            stdin_kind: words(&call["stdin_kind"]),
            stdin_sha256: call["stdin_sha256"].as_str().map(str::to_owned),
            exit: call["exit"].as_i64().map(|exit| i32::try_from(exit).unwrap()),
            ms: call["ms"].as_u64(),
            pgid_is_own: call["pgid_is_own"].as_bool().unwrap(),
            pid: u32::try_from(call["pid"].as_u64().unwrap()).unwrap(),
        }
    }

    /// Whether it's a call of this command, wherever flags stand.
    pub(crate) fn is(&self, command: &str) -> bool {
        let mut plain = self.argv.iter().filter(|word| !word.starts_with("--") && *word != "json");
        command.split(' ').all(|word| plain.next().is_some_and(|own| own == word))
    }

    /// Whether a text stands anywhere in its words or its environment.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.argv.iter().chain(self.env.values()).any(|word| word.contains(text))
    }
}

/// The example as cargo built it, beside the test that runs.
fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let example = profile.join("examples/fake_op");
    let age = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/op")).unwrap();
    let sources = sources.map(|source| source.unwrap().path());
    let newest = sources.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).map(|path| age(&path)).max();
    let newest = newest.flatten();
    // `cargo test` builds it, `cargo test --test one` doesn't.
    let built = age(&example);
    assert!(
        built.is_some() && built >= newest,
        "{} is missing or old: cargo build --example fake_op",
        example.display()
    );
    example
}

/// Puts it there without ever holding it open for writing: a process that another test starts at that moment would
/// inherit that, and the system runs nothing that's open for writing.
#[expect(clippy::disallowed_methods, reason = "a test's own helper, where a link can't be made")]
fn place(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        let copied = std::process::Command::new("cp").args([from, to]).status().unwrap();
        assert!(copied.success(), "{} can't be copied", from.display());
    }
}
