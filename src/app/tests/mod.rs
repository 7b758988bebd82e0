//! The wired program over a vault, a policy and a log of its own, for tests of several principals.

mod callers;
mod default_vault;
mod dropped;
mod fairness;
mod hosted;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{AuditLog, Durability, Filter, Record, show, verify};
use crate::authz::{Door, Session};
use crate::broker::{Broker, OwnFiles};
use crate::custody::source::{LocalSettings, LocalSource, Source, Unlock};
use crate::custody::{CacheSettings, Custody, FieldAliases, SourceView};
use crate::egress::Sender;
use crate::identity::Authenticated;
use crate::memory::LockedKey;
use crate::model::{
    ClientName, Clock, DefaultVault, ErrorCode, Principal, PrincipalName, PublicError, Reference, SourceName, Transport,
};
use crate::policy::{Policy, PolicyStore};
use crate::tools::{ToolName, Toolbox};

/// Lets the principal `owner` do anything.
const OWNER: &str = r#"
[[rule]]
id = "owner"
effect = "allow"
principals = ["owner"]
actions = ["list", "describe", "read", "write", "rotate", "delete"]
paths = ["**"]
"#;

/// What a house is furnished with, where a test cares.
struct Plan {
    /// How long values are cached.
    ttl: Duration,
    durability: Durability,
    /// A bundle's variables and their references.
    bundle: Vec<(&'static str, &'static str)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { ttl: Duration::from_mins(5), durability: Durability::Write, bundle: Vec::new() }
    }
}

/// The program, wired as for a server.
struct House {
    folder: TempDir,
    custody: Arc<Custody>,
    broker: Broker,
    door: Arc<Door>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl House {
    /// A house with these values, where these rules are in force beside the owner's.
    async fn with(rules: &str, values: &[(&str, &str)], plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = (folder.path().join("vault.keyx"), folder.path().join("vault.kdbx"));
        LocalSource::create_key_file(&key).unwrap();
        LocalSource::create(&file, &Unlock::KeyFile(key.clone()), &Clock::system()).unwrap();
        let settings = LocalSettings { name: SourceName::new("home"), file, unlock: Unlock::KeyFile(key) };
        let source = Source::Local(LocalSource::new(settings, Clock::system()));
        let audit = AuditLog::open(&folder.path().join("audit.jsonl"), plan.durability, Clock::system()).unwrap();
        let policy = Policy::parse(&format!("version = 1\n{OWNER}{rules}"), "policy.toml");
        let policy = policy.unwrap_or_else(|why| panic!("{}", why.render(false)));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let cache = CacheSettings { ttl: plan.ttl, stale_if_error: Duration::ZERO, max_items: 10_000 };
        let sources = vec![(source, SourceView::default())];
        let key = LockedKey::generate().unwrap();
        let custody = Arc::new(Custody::new(sources, cache, key, &tasks, stop.clone()));
        let bundle = plan.bundle.iter().map(|(key, path)| ((*key).to_owned(), Reference::parse(path).unwrap()));
        let bundles = BTreeMap::from([("bundle".to_owned(), bundle.collect())]);
        let broker = Broker::new(
            Arc::clone(&custody),
            FieldAliases::default(),
            bundles,
            tasks.clone(),
            Sender::new(),
            OwnFiles::default(),
        );
        let door = Arc::new(Door::new(Arc::new(PolicyStore::fixed(policy)), audit, Clock::system()));
        let house = Self { folder, custody, broker, door, tasks, stop };
        let owner = house.toolbox(house.session("owner"));
        for (path, value) in values {
            ask(&owner, ToolName::PutSecret, json!({"path": path, "value": value})).await.unwrap();
        }
        house
    }

    async fn new(rules: &str, values: &[(&str, &str)]) -> Self {
        Self::with(rules, values, Plan::default()).await
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// Everything recorded, of a chain that's whole.
    fn records(&self) -> Vec<Record> {
        assert!(verify(&self.log()).unwrap().is_intact());
        show(&self.log(), Filter::default()).unwrap().map(Result::unwrap).collect()
    }

    fn session(&self, name: &str) -> Session {
        self.session_of(principal(name, None, &[]))
    }

    fn session_of(&self, principal: Principal) -> Session {
        Session::new(Arc::clone(&self.door), Authenticated::assumed(principal))
    }

    /// A session of somebody who leaves out this vault.
    fn session_in(&self, name: &str, vault: &str) -> Session {
        self.session(name).in_vault(Some(DefaultVault::parse(vault.as_bytes()).unwrap()))
    }

    fn toolbox(&self, session: Session) -> Toolbox {
        Toolbox::new(self.broker.clone(), session)
    }

    /// Calls a tool as somebody.
    async fn call(&self, name: &str, tool: ToolName, arguments: Value) -> Result<Value, PublicError> {
        ask(&self.toolbox(self.session(name)), tool, arguments).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Somebody who came over HTTP.
fn principal(name: &str, source_ip: Option<IpAddr>, claims: &[(&str, &str)]) -> Principal {
    let claims = claims.iter().map(|(claim, value)| ((*claim).to_owned(), (*value).to_owned())).collect();
    let name = PrincipalName::parse(name).unwrap();
    Principal { name, transport: Transport::Http, source_ip, claims: Arc::new(claims) }
}

async fn ask(toolbox: &Toolbox, tool: ToolName, arguments: Value) -> Result<Value, PublicError> {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    toolbox.call(tool, arguments, ClientName::claimed("test", "1")).await.into_result()
}

/// The error's code and all that's said of it, with nothing that names the caller's own words.
fn said(error: &PublicError) -> (ErrorCode, String, String, Option<u64>, bool) {
    let (message, hint) = (error.message.clone().into_owned(), error.hint.clone().into_owned());
    (error.code, message, hint, error.retry_after_s, error.rule.is_some())
}
