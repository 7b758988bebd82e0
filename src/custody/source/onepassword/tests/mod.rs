//! The shared heart against a 1Password in memory that misbehaves when it's told to.

mod fake;
mod gathering;
mod listing;
mod quota;
mod reading;
mod removing;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::fake::Fake;
use super::backend::ItemKey;
use tokio_util::task::TaskTracker;

use super::{Limits, Remote, RemoteSettings};
use crate::custody::catalog::SourceView;
use crate::custody::error::SourceError;
use crate::custody::source::{Change, Inventory};
use crate::custody::value::SecretValue;
use crate::model::{Clock, FieldId, Item, ItemId, Name, Place, PrincipalName, SecretPath, SourceName, VaultId};

const WORK: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
const HR: &str = "hhhhhhhhhhhhhhhhhhhhhhhhhh";
const STRIPE: &str = "ssssssssssssssssssssssssss";
const GITHUB: &str = "gggggggggggggggggggggggggg";
const PAYROLL: &str = "pppppppppppppppppppppppppp";

/// A source in a 1Password with two vaults and three items.
struct Home {
    fake: Fake,
    remote: Remote<Fake>,
    clock: Clock,
    tasks: TaskTracker,
}

impl Home {
    fn new() -> Self {
        Self::with(Fake::new(), |_| {})
    }

    fn with(fake: Fake, shape: impl FnOnce(&mut RemoteSettings)) -> Self {
        let clock = Clock::fixed(Some(Timestamp::from_second(1_800_000_000).unwrap()));
        let mut settings = RemoteSettings {
            name: SourceName::new("work"),
            view: SourceView::default(),
            fresh_for: Duration::from_mins(5),
            stale_if_error: Duration::from_hours(1),
            limits: None,
            state: None,
            allow_permanent_delete: false,
            clock: clock.clone(),
        };
        shape(&mut settings);
        let tasks = TaskTracker::new();
        Self { remote: Remote::new(settings, fake.clone(), &tasks), fake, clock, tasks }
    }

    /// Waits until every change that was begun is finished.
    async fn settle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn inventory(&self) -> Result<Arc<Inventory>, SourceError> {
        self.remote.inventory(&ann()).await
    }

    async fn item(&self, id: &str) -> Arc<Item> {
        let inventory = self.inventory().await.unwrap();
        Arc::clone(inventory.items.iter().find(|item| item.id.as_str() == id).unwrap())
    }

    async fn value(&self, item: &str, field: &str) -> Result<String, SourceError> {
        let mut fetched = self.remote.fetch(&[place(item, field)], &ann()).await;
        fetched.remove(0).map(|fetched| String::from_utf8(fetched.value.plaintext().to_vec()).unwrap())
    }
}

fn who(name: &str) -> PrincipalName {
    PrincipalName::parse(name).unwrap()
}

fn ann() -> PrincipalName {
    who("ann")
}

fn key(item: &str) -> ItemKey {
    let vault = if item == PAYROLL { HR } else { WORK };
    ItemKey { vault: VaultId::new(vault), item: ItemId::new(item) }
}

fn place(item: &str, field: &str) -> Place {
    let ItemKey { vault, item } = key(item);
    Place { source: SourceName::new("work"), vault, item, field: FieldId::new(field) }
}

/// A change to the one field of the item STRIPE.
fn new_token(value: &str) -> Change {
    Change { place: Some(place(STRIPE, "credential")), ..new_field("Work/Stripe/credential", value) }
}

/// A change to something that isn't there yet.
fn new_field(path: &str, value: &str) -> Change {
    Change {
        path: SecretPath::parse(path).unwrap(),
        place: None,
        value: SecretValue::new(value.to_owned()),
        category: None,
        tags: None,
        expires_at: None,
        if_version: None,
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// An API credential as `op` writes it, with things in it that must never be read.
fn credential(vault: &str, id: &str, title: &str, token: &str) -> Value {
    json!({
        "id": id, "title": title, "version": 3, "vault": { "id": vault, "name": "?" },
        "category": "API_CREDENTIAL", "tags": ["agent"], "last_edited_by": "someone",
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z",
        "additional_information": "CANARY-additional",
        "sections": [{ "id": "add more" }],
        "fields": [
            { "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain" },
            { "id": "username", "type": "STRING", "label": "username", "value": "svc" },
            { "id": "credential", "type": "CONCEALED", "label": "credential", "value": token,
              "password_details": { "strength": "GOOD", "history": ["CANARY-history"] } },
            { "id": "hostname", "type": "STRING", "label": "hostname" },
        ],
        "future": { "kept": true },
    })
}
