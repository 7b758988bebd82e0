//! A 1Password in memory, with every fault that's known of the real one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{GITHUB, HR, PAYROLL, STRIPE, WORK, credential};
use crate::custody::source::onepassword::backend::{Backend, Command, Cost, ItemKey, RemoteVault, Removal};
use crate::custody::source::onepassword::document::Document;
use crate::custody::source::onepassword::failure::Failure;
use crate::custody::value::SecretValue;
use crate::model::{FieldId, ItemId, VaultId};

/// A 1Password in memory; its clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Fake(Arc<Mutex<World>>);

/// What becomes of one change.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It's made, and there's no answer.
    ReplyLost,
    /// There's no answer, and it isn't made.
    RequestLost,
    /// It's answered as if it were made, and isn't.
    AcceptedAndLost,
    /// Somebody else sets the credential right before.
    OverwritesAnother,
    /// Somebody else sets the credential right after.
    OverwrittenBy(&'static str),
    /// It isn't made, and this is the answer.
    Refused(Failure),
    /// Somebody else sets the credential, and this is the answer.
    TooLate(Failure),
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault to be switched on by itself")]
pub(super) struct World {
    pub(super) vaults: Vec<RemoteVault>,
    /// Each item's states, the last being what it is; `None` once it's gone.
    pub(super) items: BTreeMap<ItemKey, Vec<Option<Value>>>,
    /// What was asked for.
    pub(super) calls: Vec<Command>,
    /// What becomes of the next changes.
    pub(super) faults: VecDeque<Fault>,
    /// What becomes of the next reads.
    pub(super) bad_reads: VecDeque<Failure>,
    /// What becomes of the next batches.
    pub(super) bad_batches: VecDeque<Failure>,
    /// What becomes of the next lists.
    pub(super) bad_lists: VecDeque<Failure>,
    /// So many reads after a change show what was before it.
    pub(super) lag: u32,
    pub(super) stale: u32,
    /// Lists show what was there before the last change.
    pub(super) late_lists: bool,
    /// So many reads show the version before, whatever else they show.
    pub(super) late_versions: u32,
    /// A change to what's there already isn't counted.
    pub(super) skips_what_changes_nothing: bool,
    /// Several items can be read at once.
    pub(super) batches: bool,
    /// Whether reads are worth waiting for others.
    pub(super) gathers: bool,
    pub(super) removal: Removal,
    /// Whether one value can be set alone; then how often that was done.
    pub(super) patched: Option<usize>,
    /// New fields get other ids than they're sent with.
    pub(super) renumbers: bool,
    /// What a request counts for; nothing more than one each for Connect.
    pub(super) costs: fn(Command) -> Cost,
    pub(super) slow: Duration,
    /// How many reads there were at once.
    pub(super) at_once: (usize, usize),
}

impl Fake {
    pub(super) fn new() -> Self {
        let vault = |id, name: &str| RemoteVault { id: VaultId::new(id), name: name.to_owned(), description: None };
        let items = [
            credential(WORK, STRIPE, "Stripe", "sk-1"),
            credential(WORK, GITHUB, "GitHub", "gh-1"),
            credential(HR, PAYROLL, "Payroll", "pay-1"),
        ];
        let items = items.into_iter().map(|item| (key_of(&item), vec![Some(item)])).collect();
        Self(Arc::new(Mutex::new(World {
            vaults: vec![vault(WORK, "Work"), vault(HR, "HR")],
            items,
            calls: Vec::new(),
            faults: VecDeque::new(),
            bad_reads: VecDeque::new(),
            bad_batches: VecDeque::new(),
            bad_lists: VecDeque::new(),
            lag: 0,
            stale: 0,
            late_lists: false,
            late_versions: 0,
            skips_what_changes_nothing: false,
            batches: true,
            gathers: false,
            removal: Removal::Archives,
            patched: None,
            renumbers: false,
            costs: |_| Cost { reads: 1, writes: 0 },
            slow: Duration::ZERO,
            at_once: (0, 0),
        })))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// How many requests there were that are like this one.
    pub(super) fn count(&self, wanted: impl Fn(&Command) -> bool) -> usize {
        self.world().calls.iter().filter(|call| wanted(call)).count()
    }

    pub(super) fn reads(&self) -> usize {
        self.count(|call| *call == Command::Read)
    }

    pub(super) fn changes(&self) -> usize {
        self.count(|call| matches!(call, Command::Create | Command::Replace | Command::Remove))
    }

    pub(super) fn lists(&self) -> usize {
        self.count(|call| *call == Command::Vaults)
    }

    /// Changes an item as another program would.
    pub(super) fn edit(&self, key: &ItemKey, change: impl FnOnce(&mut Value)) {
        let mut world = self.world();
        let mut item = world.now(key).cloned().unwrap();
        change(&mut item);
        world.commit(key, item);
    }

    async fn called(&self, command: Command) {
        let slow = {
            let mut world = self.world();
            world.calls.push(command);
            world.slow
        };
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
    }
}

impl World {
    pub(super) fn now(&self, key: &ItemKey) -> Option<&Value> {
        self.items.get(key)?.last()?.as_ref()
    }

    /// What a reader sees, who may be late.
    fn seen(&mut self, key: &ItemKey) -> Option<Value> {
        let states = self.items.get(key)?;
        if self.stale > 0 {
            self.stale -= 1;
            return states.iter().rev().nth(1).cloned().flatten();
        }
        let mut now = self.now(key).cloned();
        if self.late_versions > 0
            && let Some(item) = &mut now
        {
            self.late_versions -= 1;
            item["version"] = json!(item["version"].as_u64().unwrap() - 1);
        }
        now
    }

    fn commit(&mut self, key: &ItemKey, mut item: Value) {
        let version = self.now(key).map_or(0, |item| item["version"].as_u64().unwrap());
        item["version"] = json!(version);
        if self.skips_what_changes_nothing && self.now(key) == Some(&item) {
            return;
        }
        item["version"] = json!(version + 1);
        self.items.entry(key.clone()).or_default().push(Some(item));
        self.stale = self.lag;
    }

    fn set_by_another(&mut self, key: &ItemKey, value: &str) {
        let mut item = self.now(key).cloned().unwrap();
        let fields = item["fields"].as_array_mut().unwrap();
        let field = fields.iter_mut().find(|field| field["id"] == "credential").unwrap();
        field["value"] = json!(value);
        self.commit(key, item);
    }

    /// Makes a change, or doesn't, as the next fault says.
    fn change(&mut self, key: &ItemKey, make: impl FnOnce(&mut Self)) -> Result<(), Failure> {
        match self.faults.pop_front() {
            None => make(self),
            Some(Fault::ReplyLost) => {
                make(self);
                return Err(unclear());
            }
            Some(Fault::RequestLost) => return Err(unclear()),
            Some(Fault::AcceptedAndLost) => {}
            Some(Fault::OverwritesAnother) => {
                self.set_by_another(key, "theirs");
                make(self);
            }
            Some(Fault::OverwrittenBy(value)) => {
                make(self);
                self.set_by_another(key, value);
            }
            Some(Fault::Refused(failure)) => return Err(failure),
            Some(Fault::TooLate(failure)) => {
                self.set_by_another(key, "theirs");
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Backend for Fake {
    async fn vaults(&self) -> Result<Vec<RemoteVault>, Failure> {
        self.called(Command::Vaults).await;
        let mut world = self.world();
        world.bad_lists.pop_front().map_or_else(|| Ok(world.vaults.clone()), Err)
    }

    async fn items(&self, vaults: &[VaultId]) -> Result<Vec<Document>, Failure> {
        self.called(Command::Items(vaults.len())).await;
        let world = self.world();
        let listed = world.items.iter().filter(|(key, _)| vaults.contains(&key.vault));
        let listed = listed.filter_map(|(_, states)| {
            let late = usize::from(world.late_lists && states.len() > 1);
            states.iter().rev().nth(late)?.as_ref()
        });
        Ok(listed.map(|item| document(&without_fields(item))).collect())
    }

    async fn read(&self, item: &ItemKey) -> Result<Document, Failure> {
        {
            let mut world = self.world();
            world.at_once.0 += 1;
            world.at_once.1 = world.at_once.1.max(world.at_once.0);
        }
        self.called(Command::Read).await;
        let mut world = self.world();
        world.at_once.0 -= 1;
        if let Some(failure) = world.bad_reads.pop_front() {
            return Err(failure);
        }
        world.seen(item).map(|item| document(&item)).ok_or(Failure::Missing)
    }

    async fn read_batch(&self, items: &[ItemKey]) -> Result<Vec<Document>, Failure> {
        if !self.world().batches {
            return Ok(Vec::new());
        }
        self.called(Command::ReadBatch(items.len())).await;
        let mut world = self.world();
        match world.bad_batches.pop_front() {
            Some(failure) => Err(failure),
            None => Ok(items.iter().filter_map(|key| world.seen(key)).map(|item| document(&item)).collect()),
        }
    }

    fn gathers_for(&self) -> Option<Duration> {
        self.world().gathers.then_some(Duration::from_millis(5))
    }

    async fn create(&self, vault: &VaultId, item: &Document) -> Result<ItemId, Failure> {
        self.called(Command::Create).await;
        let mut item = value(item);
        let mut world = self.world();
        let id = format!("{:026}", world.items.len());
        item["id"] = json!(id);
        if world.renumbers {
            for (number, field) in item["fields"].as_array_mut().unwrap().iter_mut().enumerate() {
                field["id"] = json!(format!("renumbered{number}"));
            }
        }
        let key = ItemKey { vault: vault.clone(), item: ItemId::new(&id) };
        world.change(&key, |world| {
            world.items.entry(key.clone()).or_default().push(None);
            world.commit(&key, item);
        })?;
        Ok(key.item)
    }

    async fn replace(&self, item: &ItemKey, with: &Document) -> Result<(), Failure> {
        self.called(Command::Replace).await;
        let with = value(with);
        let mut world = self.world();
        if world.now(item).is_none() {
            return Err(Failure::Missing);
        }
        world.change(item, |world| world.commit(item, with))
    }

    async fn set_value(&self, item: &ItemKey, field: &FieldId, value: &SecretValue) -> Option<Result<(), Failure>> {
        let mut world = self.world();
        world.patched = Some(world.patched? + 1);
        let mut now = world.now(item)?.clone();
        let fields = now["fields"].as_array_mut().unwrap();
        let field = fields.iter_mut().find(|known| known["id"] == field.as_str())?;
        field["value"] = json!(std::str::from_utf8(value.plaintext()).unwrap());
        Some(world.change(item, |world| world.commit(item, now)))
    }

    async fn remove(&self, item: &ItemKey) -> Result<(), Failure> {
        self.called(Command::Remove).await;
        let mut world = self.world();
        if world.now(item).is_none() {
            return Err(Failure::Missing);
        }
        world.change(item, |world| {
            world.items.entry(item.clone()).or_default().push(None);
            world.stale = world.lag;
        })
    }

    fn removal(&self) -> Removal {
        self.world().removal
    }

    fn cost(&self, of: Command) -> Cost {
        (self.world().costs)(of)
    }
}

/// What `op`'s documentation says that its commands count for, addressed by id.
pub(super) fn costs_of_op(command: Command) -> Cost {
    let (reads, writes) = match command {
        Command::Items(vaults) => (1 + u32::try_from(vaults).unwrap(), 0),
        Command::Vaults | Command::Read => (1, 0),
        Command::ReadBatch(_) => (2, 0),
        Command::Create => (0, 1),
        Command::Replace | Command::Remove => (4, 1),
    };
    Cost { reads, writes }
}

pub(super) fn unclear() -> Failure {
    Failure::Unclear { detail: "no answer".to_owned(), remedy: "" }
}

pub(super) fn unreachable() -> Failure {
    Failure::Unreachable { detail: "no route".to_owned(), remedy: "" }
}

pub(super) fn document(value: &Value) -> Document {
    Document::parse(&Zeroizing::new(serde_json::to_vec(value).unwrap())).unwrap()
}

pub(super) fn value(document: &Document) -> Value {
    serde_json::from_slice(&document.to_json()).unwrap()
}

pub(super) fn key_of(item: &Value) -> ItemKey {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ItemKey { vault: VaultId::new(&text(&item["vault"]["id"])), item: ItemId::new(&text(&item["id"])) }
}

fn without_fields(item: &Value) -> Value {
    let mut item = item.clone();
    item.as_object_mut().unwrap().retain(|key, _| key != "fields" && key != "sections");
    item
}
