//! Everything that can go wrong between opward and 1Password, for a list, a read and a write, either way.
//!
//! `cargo test --test it one_password_faults -- --nocapture` prints what came of it as a table.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use self::expected::{Case, Outcome, cases};
use crate::fake_op::{PRODUCTION, STAGING};
use crate::support::one_password::{Far, Kind, Stage, item};
use crate::support::{Answer, Client};

mod expected;
mod hostile;

/// So many servers are tried at a time: most of the time they wait.
const AT_A_TIME: usize = 12;

/// How long a request may take where time is what goes wrong, and where it isn't.
const SHORT: u64 = 3;
const LONG: u64 = 20;

/// What's read, what's written, and what they're called.
const STRIPE: &str = "stripebbbbbbbbbbbbbbbbbbbb";
const PATH: &str = "Staging/Stripe/credential";
const OLD: &str = "value-old-9b1d";
const NEW: &str = "value-new-7c2e";

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    List,
    Read,
    Write,
}

const ASKS: [Ask; 3] = [Ask::List, Ask::Read, Ask::Write];
const KINDS: [Kind; 2] = [Kind::Connect, Kind::Op];

/// A home whose 1Password is about to be in trouble.
struct Scene {
    stage: Stage,
    case: Case,
    /// In front of the server, where connections are refused.
    door: Option<Door>,
}

/// A way to a server that can be shut.
struct Door {
    port: u16,
    to: String,
    open: Option<JoinHandle<()>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_goes_wrong_ends_in_time_and_in_the_truth() {
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut rows = JoinSet::new();
    for (number, case) in cases().into_iter().enumerate() {
        for kind in KINDS {
            if case.fault(kind).is_none() {
                continue;
            }
            let (turns, case) = (Arc::clone(&turns), case.clone());
            rows.spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                ((number, kind == Kind::Op), row(kind, case).await)
            });
        }
    }
    let mut cells = BTreeMap::new();
    while let Some(done) = rows.join_next().await {
        let (at, row) = done.unwrap();
        cells.insert(at, row);
    }
    println!("\n| fault | Connect: list | read | write | `op`: list | read | write |\n|---|---|---|---|---|---|---|");
    for (number, case) in cases().iter().enumerate() {
        let of = |op| cells.get(&(number, op)).cloned().unwrap_or_else(|| ["—", "—", "—"].map(str::to_owned));
        println!("| {} | {} | {} |", case.name, of(false).join(" | "), of(true).join(" | "));
    }
}

/// Tries one fault on one server, with all three requests in turn.
async fn row(kind: Kind, case: Case) -> [String; 3] {
    let mut scene = Scene::new(kind, case).await;
    let mut clients = vec![scene.stage.serve("agent").await];
    let mut cells = ASKS.map(|_| String::new());
    for (ask, cell) in ASKS.into_iter().zip(&mut cells) {
        *cell = scene.try_one(clients.last().unwrap(), ask).await;
        // That something isn't there is believed for half a minute, since lists lag behind: another server knows
        // nothing of it.
        if scene.case.expected(ask) == Outcome::Code("not_found") {
            clients.push(scene.stage.serve("agent").await);
        }
        scene.gives_the_truth(clients.last().unwrap(), ask).await;
    }
    let left = processes_of(&scene.stage.home.folder().join("far"));
    assert!(left.is_empty(), "{}: {left:?} still run", scene.case.name);
    scene.stage.end(clients).await;
    cells
}

impl Scene {
    async fn new(kind: Kind, case: Case) -> Self {
        let stage = Stage::of(kind, &world(), "", &crate::support::one_password::all());
        let timeout = if case.is_about_time { SHORT } else { LONG };
        stage.configure(&format!("timeout = \"{timeout}s\"\nvaults = [\"Staging\"]\n"));
        let mut door = None;
        if kind == Kind::Connect && case.name == expected::REFUSED {
            let url = stage.far.connect().url.clone();
            let new = Door::new(url.strip_prefix("http://").unwrap()).await;
            let config = fs::read_to_string(stage.home.path("opward.toml")).unwrap();
            let config = config.replace(&url, &format!("http://127.0.0.1:{}", new.port));
            stage.home.write("opward.toml", config.as_bytes());
            door = Some(new);
        }
        Self { stage, case, door }
    }

    /// Asks for something while the fault is there, and takes that away; says what came of it.
    async fn try_one(&mut self, client: &Client, ask: Ask) -> String {
        let kind = self.stage.far.kind();
        let what = format!("{} × {ask:?} × {kind:?}", self.case.name);
        let expected = self.case.expected(ask);
        let before = self.stored();
        self.break_it(ask).await;
        self.stage.far.forget();
        let start = Instant::now();
        let answer = put_up_with(client, ask).await;
        let took = start.elapsed();
        assert!(took < self.deadline(ask), "{what}: {took:?}");
        assert!(self.was_hit(ask), "{what}: nothing went wrong: {}", answer.value);

        let cell = match &expected {
            Outcome::Done => {
                assert!(!answer.is_error, "{what}: {}", answer.value);
                "done".to_owned()
            }
            Outcome::Code(code) => {
                assert!(answer.is_error, "{what}: {}", answer.value);
                assert_eq!(answer.code(), *code, "{what}: {}", answer.value);
                format!("`{code}`")
            }
            Outcome::Wait(seconds) => {
                assert!(answer.is_error, "{what}: {}", answer.value);
                assert_eq!(answer.code(), "rate_limited", "{what}: {}", answer.value);
                let told = answer.value["error"]["retry_after_s"].as_u64().unwrap();
                assert!((seconds / 2..=*seconds).contains(&told), "{what}: {told}");
                format!("`rate_limited`, {seconds} s")
            }
        };
        // The answer says which of the two values is there.
        let written = ask == Ask::Write && expected == Outcome::Done;
        assert_eq!(self.stored(), if written { NEW.to_owned() } else { before.clone() }, "{what}");

        if matches!(expected, Outcome::Wait(_)) {
            self.is_left_alone(client, ask, &what).await;
        }
        self.mend().await;
        format!("{cell} ({:.1} s)", took.as_secs_f32())
    }

    async fn break_it(&mut self, ask: Ask) {
        let far = &self.stage.far;
        if let Some(door) = &mut self.door {
            return door.shut().await;
        }
        match (far, self.case.fault(far.kind())) {
            (_, None) => {}
            (Far::Op(op), Some(Value::String(gone))) if gone == expected::GONE => {
                fs::rename(&op.command, op.command.with_extension("gone")).unwrap();
            }
            (Far::Op(op), Some(fault)) => {
                // There's no change in a list or a read that could be made before the answer is lost.
                let lost = fault == "commit_then_fail" && ask != Ask::Write;
                let fault = if lost { &json!({ "exit": 1, "stderr": expected::LOST }) } else { fault };
                op.fault(json!({ "on": command(ask), "do": fault }));
            }
            (Far::Connect(connect), Some(fault)) => {
                for (method, path) in requests(ask) {
                    connect.fault(&json!({ "on": { "method": method, "path": path }, "do": fault }));
                }
            }
        }
    }

    async fn mend(&mut self) {
        if let Some(door) = &mut self.door {
            return door.open().await;
        }
        match &self.stage.far {
            Far::Op(op) if !op.command.exists() => {
                fs::rename(op.command.with_extension("gone"), &op.command).unwrap();
            }
            far => far.heal(),
        }
        // Nobody waits for minutes here: what was noted down is taken away.
        if self.case.expected(Ask::Read) == Outcome::Wait(expected::NOT_TOLD) {
            let _ = fs::remove_file(self.stage.home.path("far.quota.json"));
        }
    }

    /// Whether the fault was met, so that the case says something.
    fn was_hit(&self, ask: Ask) -> bool {
        match &self.stage.far {
            far if self.case.is_nobody_there(far.kind()) => true,
            Far::Op(op) => !op.calls_of(command(ask)).is_empty(),
            Far::Connect(connect) => requests(ask).iter().any(|(method, path)| connect.count(method, path) > 0),
        }
    }

    /// While 1Password wants to be left alone, it is.
    async fn is_left_alone(&self, client: &Client, ask: Ask, what: &str) {
        self.stage.far.forget();
        let again = put_up_with(client, ask).await;
        assert!(again.is_error, "{what}: {}", again.value);
        assert_eq!(again.code(), "rate_limited", "{what}: {}", again.value);
        assert_eq!(self.stage.far.asked(), 0, "{what}");
    }

    /// Nothing of a bad answer is left: from now on there's the truth, or for a while none.
    async fn gives_the_truth(&self, client: &Client, ask: Ask) {
        let what = format!("after {} × {ask:?} × {:?}", self.case.name, self.stage.far.kind());
        let truth = self.stored();
        let since = Instant::now();
        loop {
            let right = if ask == Ask::List {
                let listed = client.call("list_secrets", json!({})).await;
                assert!(
                    listed.is_error || listed.value["secrets"].as_array().unwrap().len() == 2,
                    "{what}: {listed:?}"
                );
                !listed.is_error
            } else {
                let read = client.call("get_secret", json!({ "path": PATH })).await;
                assert!(read.is_error || read.value["value"] == truth.as_str(), "{what}: a wrong value");
                !read.is_error
            };
            if right {
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{what}: it doesn't recover");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn stored(&self) -> String {
        self.stage.far.value(STRIPE, "credential").unwrap()
    }

    /// The time of a request and of ending it; a write is tried and looked for three times.
    fn deadline(&self, ask: Ask) -> Duration {
        let once = if self.case.is_about_time { SHORT } else { LONG } + 3;
        Duration::from_secs(if ask == Ask::Write { 3 * once + 9 } else { once })
    }
}

impl Door {
    async fn new(to: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut door = Self { port, to: to.to_owned(), open: None };
        door.open_with(listener);
        door
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.open_with(listener);
    }

    fn open_with(&mut self, listener: TcpListener) {
        let to = self.to.clone();
        self.open = Some(tokio::spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                let to = to.clone();
                guests.spawn(async move {
                    let mut to = TcpStream::connect(to).await.unwrap();
                    let _gone = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        }));
    }

    /// From now on connections are refused, and those there are end.
    async fn shut(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            let _aborted = open.await;
        }
    }
}

/// The command of `op` that a fault is for.
fn command(ask: Ask) -> &'static str {
    match ask {
        Ask::List => "item list",
        Ask::Read => "item get",
        Ask::Write => "item edit",
    }
}

/// The requests to Connect that a fault is for.
fn requests(ask: Ask) -> &'static [(&'static str, &'static str)] {
    match ask {
        Ask::List => &[("GET", "/items")],
        Ask::Read => &[("GET", "/items/")],
        Ask::Write => &[("PATCH", "/items/"), ("PUT", "/items/")],
    }
}

async fn put_up_with(client: &Client, ask: Ask) -> Answer {
    match ask {
        Ask::List => client.call("list_secrets", json!({})).await,
        Ask::Read => client.call("get_secret", json!({ "path": PATH })).await,
        Ask::Write => client.call("put_secret", json!({ "path": PATH, "value": NEW })).await,
    }
}

/// One vault that's used and one that isn't, with canaries wherever a value isn't asked for.
fn world() -> Value {
    let mut world = crate::support::one_password::seed();
    let fields = json!([
        { "id": "username", "type": "STRING", "label": "username", "value": "canary-user" },
        { "id": "credential", "type": "CONCEALED", "label": "credential", "value": OLD,
          "password_details": { "strength": "GOOD", "history": ["canary-history"] } },
        { "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain", "value": "canary-notes" },
    ]);
    let other = json!([{ "id": "credential", "type": "CONCEALED", "label": "credential", "value": "value-other" }]);
    world["items"] = json!([
        item(STRIPE, "Stripe", STAGING, &fields),
        item("otherbbbbbbbbbbbbbbbbbbbbb", "Other", STAGING, &other),
        item("prodbbbbbbbbbbbbbbbbbbbbbb", "canary-title", PRODUCTION, &other),
    ]);
    for item in world["items"].as_array_mut().unwrap() {
        item["category"] = json!("API_CREDENTIAL");
    }
    world
}

/// The processes of programs in a folder.
fn processes_of(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc").unwrap().map(|process| process.unwrap().path());
    all.filter(|process| fs::read_link(process.join("exe")).is_ok_and(|program| program.starts_with(folder))).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test leaves a process behind")]
fn a_process_left_behind_would_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let op = crate::fake_op::install(folder.path(), &world());
    op.fault(json!({ "do": "hang" }));
    let mut left = std::process::Command::new(&op.command).args(["vault", "list"]).spawn().unwrap();
    assert_eq!(processes_of(folder.path()).len(), 1);
    left.kill().unwrap();
    left.wait().unwrap();
    assert!(processes_of(folder.path()).is_empty());
}
