//! A folder for configuration, policy, vault and log, as `opward init` makes it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Client;

/// The principal who furnishes vaults.
pub(crate) const OWNER: &str = "owner";

const OWNERS_POLICY: &str = "version = 1\n[[rule]]\nid = \"owner\"\nprincipals = [\"owner\"]\n\
    actions = [\"list\", \"describe\", \"read\", \"write\", \"rotate\", \"delete\"]\npaths = [\"**\"]\n";

const CONFIG: &str = "version = 1\npolicy = \"policy.toml\"\n\
    [[source]]\nname = \"home\"\nkind = \"local\"\nfile = \"vault.kdbx\"\nkey_file = \"vault.keyx\"\n";

/// What `opward init` made, once for all tests.
struct Made {
    vault: Vec<u8>,
    key: Vec<u8>,
    policy: String,
}

static MADE: OnceLock<Made> = OnceLock::new();

/// A value to be put before a test begins.
pub(crate) struct Put {
    arguments: Value,
}

/// A value at a path.
pub(crate) fn put(path: &str, value: &str) -> Put {
    Put { arguments: json!({ "path": path, "value": value }) }
}

impl Put {
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.arguments[key] = value.into();
        self
    }
}

/// A home of the program, gone with the test.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// A new vault under the starter policy.
    pub(crate) fn new() -> Self {
        let made = MADE.get_or_init(Made::make);
        let home = Self::empty();
        home.write("vault.kdbx", &made.vault);
        home.write("vault.keyx", &made.key);
        home.write("policy.toml", made.policy.as_bytes());
        home.write("opward.toml", CONFIG.as_bytes());
        home
    }

    /// A folder in which nothing was set up.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::Builder::new().prefix("opward-it-").tempdir().unwrap() }
    }

    /// A vault with these values, under this policy.
    pub(crate) async fn with(policy: &str, values: impl IntoIterator<Item = Put>) -> Self {
        let home = Self::new();
        home.furnish(values).await;
        home.policy(policy);
        home
    }

    /// Puts values through the program, then leaves the policy as it was.
    pub(crate) async fn furnish(&self, values: impl IntoIterator<Item = Put>) {
        let before = fs::read_to_string(self.path("policy.toml")).unwrap();
        self.policy(OWNERS_POLICY);
        let owner = self.serve(OWNER).await;
        for Put { arguments } in values {
            owner.call("put_secret", arguments).await.ok();
        }
        owner.end().await;
        self.policy(&before);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a policy into force for the servers started from here on.
    pub(crate) fn policy(&self, text: &str) {
        self.write("policy.toml", text.as_bytes());
    }

    /// Adds to the configuration.
    pub(crate) fn configure(&self, more: &str) {
        self.write("opward.toml", format!("{CONFIG}{more}").as_bytes());
    }

    /// A client with a server of its own.
    pub(crate) async fn serve(&self, principal: &str) -> Client {
        Client::start(self.folder(), principal).await
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        run(self.folder(), arguments, input)
    }

    /// The audit log's records.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All that stands in files here that anyone could read without the vault's key.
    pub(crate) fn in_the_open(&self) -> String {
        let names = ["audit.jsonl", "opward.toml", "policy.toml"];
        names.iter().filter_map(|name| fs::read_to_string(self.path(name)).ok()).collect()
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(self.path(name)).unwrap().write_all(content).unwrap();
    }
}

impl Made {
    fn make() -> Self {
        let home = Home::empty();
        let made = run(home.folder(), &["init"], "");
        assert!(made.status.success(), "{made:?}");
        let read = |name| fs::read(home.path(name)).unwrap();
        let policy = String::from_utf8(read("policy.toml")).unwrap();
        Self { vault: read("vault.kdbx"), key: read("vault.keyx"), policy }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
fn run(home: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
    command.args(arguments).env_clear().env("OPWARD_HOME", home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let written = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    // A command that takes no input may have ended before it could be written.
    assert!(written.is_ok() || !output.status.success() || input.is_empty(), "{output:?}");
    output
}
