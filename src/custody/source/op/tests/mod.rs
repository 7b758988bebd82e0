//! The client against small programs that stand for `op`.

mod endings;
mod replies;
mod requests;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::*;
use crate::custody::source::onepassword::backend::ItemKey;
use crate::custody::source::onepassword::document::Document;
use crate::custody::value::SecretValue;
use crate::model::{ItemId, VaultId};

const VAULT: &str = "vaultvaultvaultvaultvault1";
const OTHER: &str = "vaultvaultvaultvaultvault2";
const ITEM: &str = "itemitemitemitemitemitem01";
const TOKEN: &str = "ops_canary-token";

/// How long a test waits for what should happen at once.
const SOON: Duration = Duration::from_mins(1);

/// A folder with a shell script called `op` in it. It writes its arguments to `calls`, and answers
/// `--version` unless the test does.
struct Fake {
    folder: TempDir,
    tasks: TaskTracker,
}

/// Processes that hold the pipe `alive` open, and the number of the one that said so.
struct Alive {
    leader: Pid,
    pipe: BufReader<File>,
}

impl Fake {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().to_str().unwrap();
        let script = format!(
            "#!/bin/sh\nhere='{here}'\nprintf '%s\\n' \"$*\" >>\"$here/calls\"\nfail() {{ printf '[ERROR] 2026/11/21 10:11:12 %s\\n' \"$1\" >&2; exit 1; }}\n\
             {script}\ncase \"$1\" in --version) echo 2.30.3 ;; *) fail 'unexpected' ;; esac\n"
        );
        // Written by another process: a file that's open for writing in this one, and so in what another
        // test starts just now, can't be run.
        let make = "cat >\"$0/op\" && chmod 755 \"$0/op\" && mkfifo \"$0/alive\" \"$0/gate\"";
        #[expect(clippy::disallowed_methods, reason = "a test that needs a program makes one")]
        let mut maker = Command::new("/bin/sh").args(["-c", make, here]).stdin(Stdio::piped()).spawn().unwrap();
        maker.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(maker.wait().unwrap().success());
        Self { folder, tasks: TaskTracker::new() }
    }

    /// One that answers a command line with a text.
    fn answering(answers: &[(&str, &str)]) -> Self {
        let arms = answers.iter().map(|(arguments, answer)| {
            format!("  '{arguments}') cat <<'END_OF_ANSWER'\n{answer}\nEND_OF_ANSWER\n  exit ;;\n")
        });
        Self::new(&format!("case \"$*\" in\n{}esac", arms.collect::<String>()))
    }

    fn settings(&self, sign_in: SignIn) -> OpSettings {
        let folders = [self.folder.path().to_owned(), "/usr/bin".into(), "/bin".into()];
        OpSettings {
            command: None,
            search_path: std::env::join_paths(folders).unwrap(),
            sign_in,
            environment: OpEnvironment::default(),
            timeout: None,
        }
    }

    fn client(&self) -> OpClient {
        OpClient::new(self.settings(service_account()), &self.tasks)
    }

    fn client_within(&self, timeout: Duration) -> OpClient {
        OpClient::new(OpSettings { timeout: Some(timeout), ..self.settings(service_account()) }, &self.tasks)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The command lines so far, but for the version's.
    fn calls(&self) -> Vec<String> {
        self.read("calls").lines().filter(|line| *line != "--version").map(str::to_owned).collect()
    }

    /// Waits for a process that opens the pipe `alive` and writes its number to it.
    fn alive(&self) -> impl Future<Output = Alive> + use<> {
        let (said, heard) = oneshot::channel();
        let path = self.file("alive");
        // Opening it waits for the other side, so not on a thread that a runtime waits for.
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(File::open(path).unwrap());
            let mut line = String::new();
            pipe.read_line(&mut line).unwrap();
            let leader = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
            drop(said.send(Alive { leader, pipe }));
        });
        async { timely(heard).await.unwrap() }
    }

    /// Waits until every process has been seen to its end.
    async fn settled(&self) {
        self.tasks.close();
        timely(self.tasks.wait()).await;
    }
}

impl Alive {
    /// Waits until nobody holds the pipe any more: whoever did is dead.
    async fn gone(mut self) {
        let (said, heard) = oneshot::channel();
        std::thread::spawn(move || {
            self.pipe.read_to_end(&mut Vec::new()).unwrap();
            let _ = said.send(());
        });
        timely(heard).await.unwrap();
    }
}

/// Whether a process has been waited for: nothing bears its number.
fn buried(process: Pid) -> bool {
    test_kill_process(process) == Err(rustix::io::Errno::SRCH)
}

async fn timely<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it should have happened long ago")
}

fn service_account() -> SignIn {
    SignIn::ServiceAccount(SecretValue::new(TOKEN.to_owned()))
}

fn key() -> ItemKey {
    ItemKey { vault: VaultId::new(VAULT), item: ItemId::new(ITEM) }
}

/// The items numbered so, all in one vault.
fn keys(numbers: std::ops::Range<u32>) -> Vec<ItemKey> {
    numbers.map(|number| ItemKey { vault: VaultId::new(VAULT), item: ItemId::new(&item_id(number)) }).collect()
}

fn item_id(number: u32) -> String {
    format!("itemitemitemitemitemitem{number:02}")
}

fn item_json(id: &str, vault: &str) -> String {
    format!(
        r#"{{"id": "{id}", "title": "A", "vault": {{"id": "{vault}", "name": "V"}}, "fields": [{{"id": "password", "value": "canary-value"}}]}}"#
    )
}

fn document(json: &str) -> Document {
    Document::parse(&Zeroizing::new(json.as_bytes().to_vec())).unwrap()
}

fn ids(documents: &[Document]) -> Vec<&str> {
    let mut ids: Vec<_> = documents.iter().map(Document::id).collect();
    ids.sort_unstable();
    ids
}
