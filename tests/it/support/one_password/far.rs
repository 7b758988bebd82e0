//! 1Password itself: one stand-in or the other, steered and counted the same way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::Home;
use super::world::{connect_world, to_connect, to_op};
use crate::fake_connect::FakeConnect;
use crate::fake_op::{self, FakeOp};

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Op,
    Connect,
}

/// The token that may write everywhere, of either way.
pub(crate) const WRITER: (&str, &str) = (fake_op::TOKEN, CONNECT_WRITER);
/// The one that may read everywhere.
pub(crate) const READER: (&str, &str) = (fake_op::READER_TOKEN, "connect-reader-1f2e");

pub(super) const CONNECT_WRITER: &str = "connect-writer-9d8c";

/// What a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Any,
    Read,
    Create,
    Edit,
    Delete,
}

/// 1Password with a world of its own.
pub(crate) enum Far {
    Op(FakeOp),
    Connect(FakeConnect),
}

impl Far {
    /// Starts it with a world as `op` shows it.
    pub(crate) fn start(kind: Kind, folder: &Path, world: &Value) -> Self {
        match kind {
            Kind::Op => {
                fs::create_dir(folder).unwrap();
                Self::Op(fake_op::install(folder, world))
            }
            Kind::Connect => Self::Connect(FakeConnect::start(&connect_world(world))),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Op(_) => Kind::Op,
            Self::Connect(_) => Kind::Connect,
        }
    }

    /// The stand-in for the program.
    pub(crate) fn op(&self) -> &FakeOp {
        let Self::Op(op) = self else { panic!("it's asked through Connect") };
        op
    }

    /// The stand-in for the server.
    pub(crate) fn connect(&self) -> &FakeConnect {
        let Self::Connect(connect) = self else { panic!("it's asked through op") };
        connect
    }

    /// The beginning of a `[[source]]` that asks it, with a token that's put into a file.
    pub(crate) fn source(&self, home: &Home, name: &str, (op, connect): (&str, &str)) -> String {
        let (token, way) = match self {
            Self::Op(fake) => (op, format!("kind = \"op\"\ncommand = {:?}", fake.command)),
            Self::Connect(fake) => (connect, format!("kind = \"connect\"\nurl = {:?}", fake.url)),
        };
        home.write(&format!("{name}.token"), token.as_bytes());
        format!("[[source]]\nname = {name:?}\n{way}\ntoken_file = \"{name}.token\"\n")
    }

    /// How often it was asked for anything.
    pub(crate) fn asked(&self) -> usize {
        match self {
            Self::Op(op) => op.calls().iter().filter(|call| call.argv != ["--version"]).count(),
            Self::Connect(connect) => connect.requests().len(),
        }
    }

    /// How often it was asked for whole items: processes, or requests.
    pub(crate) fn read(&self) -> usize {
        match self {
            Self::Op(op) => op.calls_of("item get").len(),
            Self::Connect(connect) => connect.count("GET", "/items/"),
        }
    }

    /// How often it was asked which items there are.
    pub(crate) fn listed(&self) -> usize {
        match self {
            Self::Op(op) => op.calls_of("item list").len(),
            Self::Connect(connect) => {
                let is_list =
                    |request: &&Value| request["path"].as_str().unwrap().trim_end_matches('/').ends_with("/items");
                connect.requests().iter().filter(|request| request["method"] == "GET").filter(is_list).count()
            }
        }
    }

    /// How often it was asked to change anything.
    pub(crate) fn changed(&self) -> usize {
        match self {
            Self::Op(op) => {
                ["item create", "item edit", "item delete"].map(|name| op.calls_of(name).len()).iter().sum()
            }
            Self::Connect(connect) => connect.requests().iter().filter(|request| request["method"] != "GET").count(),
        }
    }

    /// Forgets what it was asked.
    pub(crate) fn forget(&self) {
        match self {
            Self::Op(op) => op.forget_calls(),
            Self::Connect(connect) => connect.forget_requests(),
        }
    }

    /// Has something go wrong, so many times or always.
    pub(crate) fn fault(&self, on: On, times: impl Into<Option<u64>>, op: &Value, connect: &Value) {
        let times = times.into();
        match self {
            Self::Op(fake) => {
                let on = match on {
                    On::Any => Value::Null,
                    On::Read => json!("item get"),
                    On::Create => json!("item create"),
                    On::Edit => json!("item edit"),
                    On::Delete => json!("item delete"),
                };
                fake.fault(json!({ "on": on, "times": times, "do": op }));
            }
            Self::Connect(fake) => {
                let (method, path) = match on {
                    On::Any => (None, None),
                    On::Read => (Some("GET"), Some("/items/")),
                    On::Create => (Some("POST"), None),
                    On::Edit => (Some("PATCH"), Some("/items/")),
                    On::Delete => (Some("DELETE"), None),
                };
                fake.fault(&json!({ "on": { "method": method, "path": path }, "times": times, "do": connect }));
            }
        }
    }

    /// Takes all faults away.
    pub(crate) fn heal(&self) {
        match self {
            Self::Op(op) => op.no_faults(),
            Self::Connect(connect) => connect.clear_faults(),
        }
    }

    /// All items by their ids, as `op` shows them.
    pub(crate) fn items(&self) -> BTreeMap<String, Value> {
        let world = match self {
            Self::Op(op) => op.world(),
            Self::Connect(connect) => connect.world(),
        };
        let items = world["items"].as_array().unwrap().iter();
        let items = items.map(|item| if self.kind() == Kind::Op { item.clone() } else { to_op(item) });
        items.map(|item| (item["id"].as_str().unwrap().to_owned(), item)).collect()
    }

    /// A field's value as it's stored now.
    pub(crate) fn value(&self, item: &str, field: &str) -> Option<String> {
        let items = self.items();
        let fields = items.get(item)?["fields"].as_array()?;
        fields.iter().find(|stored| stored["id"] == field)?["value"].as_str().map(str::to_owned)
    }

    /// Changes an item behind everybody's back, one version on.
    pub(crate) fn edit(&self, id: &str, change: impl FnOnce(&mut Value)) {
        match self {
            Self::Op(op) => op.change(|world| {
                let item = world["items"].as_array_mut().unwrap().iter_mut().find(|item| item["id"] == id).unwrap();
                change(item);
                item["version"] = json!(item["version"].as_u64().unwrap() + 1);
            }),
            Self::Connect(connect) => {
                let mut item = to_op(&connect.stored(id).unwrap());
                change(&mut item);
                connect.put_item(&to_connect(&item));
            }
        }
    }

    /// Adds an item behind everybody's back.
    pub(crate) fn add(&self, item: &Value) {
        match self {
            Self::Op(op) => op.change(|world| world["items"].as_array_mut().unwrap().push(item.clone())),
            Self::Connect(connect) => connect.put_item(&to_connect(item)),
        }
    }

    /// Destroys an item behind everybody's back.
    pub(crate) fn remove(&self, id: &str) {
        match self {
            Self::Op(op) => op.change(|world| world["items"].as_array_mut().unwrap().retain(|item| item["id"] != id)),
            Self::Connect(connect) => connect.remove_item(id),
        }
    }

    /// Checks that no call showed any of these to other programs, and that each had one credential and a process
    /// group of its own.
    pub(super) fn check_calls(&self, texts: &[&str]) {
        let Self::Op(op) = self else { return };
        for call in op.calls() {
            for text in texts {
                assert!(!call.shows(text), "{text} in {:?} {:?}", call.argv, call.env.keys());
            }
            let is_credential = |name: &&String| {
                name.starts_with("OP_SESSION") || name.contains("TOKEN") || name.starts_with("OP_CONNECT")
            };
            let credentials: Vec<_> = call.env.keys().filter(is_credential).collect();
            let expected: &[&str] = if call.argv == ["--version"] { &[] } else { &["OP_SERVICE_ACCOUNT_TOKEN"] };
            assert_eq!(credentials, expected, "{:?}", call.argv);
            assert!(call.pgid_is_own, "{:?}", call.argv);
            assert!(matches!(call.stdin_kind.as_str(), "null" | "fifo"), "{:?} {}", call.argv, call.stdin_kind);
        }
    }
}
