//! Changes to a file's contents, before they're written.

use jiff::Timestamp;
use keepass::Database;
use keepass::db::{Entry, EntryId, GroupId, History, Value, fields};

use super::error::LocalError;
use super::tree::{SEPARATOR, Tree, is_called};
use super::{ids, item, text, times, version};
use crate::custody::source::{Change, Stored};
use crate::model::{Category, FieldId, ItemId, Name, Place, SourceName, VaultId};

/// How many states of an entry are kept where the file doesn't say.
pub(super) const HISTORY: isize = 10;

const BIN: &str = "Recycle Bin";
const BIN_ICON: usize = 43;

/// The string a change is about.
struct Aim {
    id: EntryId,
    key: String,
    is_new: bool,
}

/// How many states of an entry the file keeps; `None` is all of them.
pub(super) fn history_limit(db: &Database) -> Option<usize> {
    usize::try_from(db.meta.history_max_items.unwrap_or(HISTORY)).ok()
}

/// Sets a value, as a change asks.
pub(super) fn store(
    db: &mut Database,
    source: &SourceName,
    change: &Change,
    now: Timestamp,
) -> Result<Stored, LocalError> {
    let value = text::of_value(&change.value)?;
    let tags = change.tags.as_deref().map(text::of_tags).transpose()?;
    let Aim { id, key, is_new } = match &change.place {
        Some(place) => existing(db, source, change, place)?,
        None => made(db, change, now)?,
    };
    let limit = history_limit(db);
    let seconds = now.as_second();
    let previous_version = db.entry(id).filter(|_| !is_new).map(|entry| version::of(&entry, limit));
    if let Some(current) = previous_version {
        agree(change.if_version, current)?;
    }
    let mut entry = db.entry_mut(id).ok_or(LocalError::Missing)?;
    if !is_new {
        remember(&mut entry, limit);
    }
    let times = times::all_at(seconds);
    entry.times.last_modification = times.last_modification;
    entry.times.last_access = times.last_access;
    let is_same = entry.fields.get(&key).is_some_and(|before| change.value.is_same(before.get().as_bytes()));
    let is_protected = entry.fields.get(&key).map_or_else(|| item::is_protected(&key), Value::is_protected);
    let value =
        if is_protected || text::is_fragile(&value) { Value::protected(value) } else { Value::unprotected(value) };
    entry.set(key.clone(), value);
    if let Some(tags) = tags {
        entry.tags = tags;
    }
    if let Some(category) = change.category {
        version::set_custom_text(&mut entry, item::CATEGORY, category.as_str().to_owned());
    }
    if let Some(at) = change.expires_at {
        entry.times.expiry = times::all_at(at.as_second()).expiry;
        entry.times.expires = Some(true);
    }
    let version = previous_version.map_or(1, |previous| previous.saturating_add(1));
    version::set(&mut entry, version);
    let place = place_of(db, source, id, &key)?;
    Ok(Stored { version, previous_version, is_same, place })
}

/// Moves an entry to the recycle bin; gives its last version.
pub(super) fn archive(
    db: &mut Database,
    item: &ItemId,
    if_version: Option<u64>,
    now: Timestamp,
) -> Result<u64, LocalError> {
    let id = entry_id(item)?;
    Tree::of(db).locate(id).ok_or(LocalError::Missing)?;
    let current = db.entry(id).map(|entry| version::of(&entry, history_limit(db))).ok_or(LocalError::Missing)?;
    agree(if_version, current)?;
    let bin = recycle_bin(db, now);
    let mut entry = db.entry_mut(id).ok_or(LocalError::Missing)?;
    entry.move_to(bin).map_err(|_| LocalError::Missing)?;
    entry.times.location_changed = times::all_at(now.as_second()).location_changed;
    Ok(current)
}

/// The entry an item's id means.
pub(super) fn entry_id(item: &ItemId) -> Result<EntryId, LocalError> {
    ids::to_uuid(item.as_str()).map(EntryId::from_uuid).ok_or(LocalError::Missing)
}

fn agree(expected: Option<u64>, current: u64) -> Result<(), LocalError> {
    if expected.is_none_or(|expected| expected == current) { Ok(()) } else { Err(LocalError::Conflict(current)) }
}

/// Finds the field that's to be changed. It must still be where its path says: a decision was made
/// about that path, and not about whatever the field is called since.
fn existing(db: &Database, source: &SourceName, change: &Change, place: &Place) -> Result<Aim, LocalError> {
    let id = entry_id(&place.item)?;
    let tree = Tree::of(db);
    let at = tree.locate(id).ok_or(LocalError::Missing)?;
    if place.source != *source || at.top.vault.id != place.vault {
        return Err(LocalError::Missing);
    }
    let entry = db.entry(id).ok_or(LocalError::Missing)?;
    let stored = item::fields(&at.path, &entry);
    let stored = stored.iter().find(|stored| stored.field.id == place.field).ok_or(LocalError::Missing)?;
    if stored.field.path != change.path {
        return Err(LocalError::Conflict(version::of(&entry, history_limit(db))));
    }
    Ok(Aim { id, key: stored.key.to_owned(), is_new: false })
}

/// Makes the field a path names and, if need be, its item and vault.
fn made(db: &mut Database, change: &Change, now: Timestamp) -> Result<Aim, LocalError> {
    let names = change.path.names();
    let [vault, item_name, field] = names.as_slice() else {
        return Err(LocalError::Unsupported("a local vault has no sections: name the field directly under its item"));
    };
    let key =
        item::key_of(field).ok_or(LocalError::Invalid("a field can't be called Title: that's the item's name"))?;
    names.iter().try_for_each(text::check_name)?;
    let found = Tree::of(db).find(&change.path.item());
    match found.as_slice() {
        [] if change.if_version.is_some() => Err(LocalError::Missing),
        [] => {
            let group = group_for(db, vault, item_name, now)?;
            let title = item_name.as_str().rsplit(SEPARATOR).next().unwrap_or_default().to_owned();
            let mut parent = db.group_mut(group).ok_or(LocalError::Missing)?;
            let mut entry = parent.add_entry();
            entry.times = times::all_at(now.as_second());
            entry.set_unprotected(fields::TITLE, title);
            let category = change.category.unwrap_or_else(|| category_for(&key));
            version::set_custom_text(&mut entry, item::CATEGORY, category.as_str().to_owned());
            Ok(Aim { id: entry.id(), key, is_new: true })
        }
        [id] => {
            let entry = db.entry(*id).ok_or(LocalError::Missing)?;
            // A standard field that's there and empty isn't listed: it's free. So is one that isn't there.
            let stored = item::fields(&change.path.item(), &entry);
            if stored.iter().any(|stored| stored.key == key || stored.field.path.matching() == change.path.matching()) {
                return Err(LocalError::Conflict(version::of(&entry, history_limit(db))));
            }
            Ok(Aim { id: *id, key, is_new: false })
        }
        _ => Err(LocalError::Invalid("several items have this name: rename one, or name the item by its id")),
    }
}

/// The group a new item belongs in, made where it's missing.
fn group_for(db: &mut Database, vault: &Name, item: &Name, now: Timestamp) -> Result<GroupId, LocalError> {
    let top = Tree::of(db).vault(vault).map(|top| top.group);
    let mut parts: Vec<&str> = item.as_str().split(SEPARATOR).collect();
    if parts.iter().any(|part| part.trim().is_empty()) {
        return Err(LocalError::Invalid("in an item's name, a group or title between ` › ` can't be empty"));
    }
    parts.pop();
    let root = db.root().id();
    if top == Some(root) && !parts.is_empty() {
        return Err(LocalError::Invalid("the items of this vault can't be in groups: each group there is a vault"));
    }
    if top.is_none() && vault.is_id() {
        return Err(LocalError::Missing);
    }
    let mut group = match top {
        Some(group) => group,
        None => add_group(db, root, vault.as_str(), now)?,
    };
    for part in parts {
        let here = db.group(group).ok_or(LocalError::Missing)?;
        let inside = here.groups().find(|inner| is_called(&inner.name, part)).map(|inner| inner.id());
        group = match inside {
            Some(inside) => inside,
            None => add_group(db, group, part, now)?,
        };
    }
    Ok(group)
}

fn add_group(db: &mut Database, parent: GroupId, name: &str, now: Timestamp) -> Result<GroupId, LocalError> {
    let mut parent = db.group_mut(parent).ok_or(LocalError::Missing)?;
    let mut group = parent.add_group();
    name.clone_into(&mut group.name);
    group.times = times::all_at(now.as_second());
    Ok(group.id())
}

/// The recycle bin, made if there's none and enabled: nothing here is ever destroyed.
fn recycle_bin(db: &mut Database, now: Timestamp) -> GroupId {
    let times = times::all_at(now.as_second());
    let root = db.root().id();
    let found = db.recycle_bin().map(|bin| bin.id()).filter(|bin| *bin != root);
    let bin = found.unwrap_or_else(|| {
        let mut root = db.root_mut();
        let mut group = root.add_group();
        BIN.clone_into(&mut group.name);
        group.set_icon_builtin(BIN_ICON);
        group.enable_autotype = Some(false);
        group.enable_searching = Some(false);
        group.times = times.clone();
        group.id()
    });
    db.meta.recyclebin_uuid = Some(bin.uuid());
    db.meta.recyclebin_enabled = Some(true);
    db.meta.recyclebin_changed = times.location_changed;
    bin
}

/// Puts the entry's present state into its history, as the newest one: oldest first, as `KeePass`
/// writes and truncates it. (The crate's own tracking puts it first, and would have other programs
/// forget the newest state instead of the oldest.)
fn remember(entry: &mut Entry, limit: Option<usize>) {
    let mut present = entry.clone();
    present.history = None;
    let mut states: Vec<Entry> = entry.history.take().map(|past| past.get_entries().clone()).unwrap_or_default();
    states.sort_by_key(times::modified);
    states.push(present);
    let mut history = History::default();
    // Each one is put before those already there.
    states.into_iter().rev().take(limit.unwrap_or(usize::MAX)).for_each(|state| history.add_entry(state));
    entry.history = Some(history);
}

fn category_for(key: &str) -> Category {
    match key {
        fields::USERNAME | fields::URL => Category::Login,
        fields::NOTES => Category::SecureNote,
        "credential" => Category::ApiCredential,
        _ => Category::Password,
    }
}

fn place_of(db: &Database, source: &SourceName, id: EntryId, key: &str) -> Result<Place, LocalError> {
    let tree = Tree::of(db);
    let at = tree.locate(id).ok_or(LocalError::Missing)?;
    let entry = db.entry(id).ok_or(LocalError::Missing)?;
    let field = item::fields(&at.path, &entry).into_iter().find(|stored| stored.key == key);
    let field: FieldId = field.ok_or(LocalError::Invalid("a standard field can't be set to nothing"))?.field.id;
    let vault: VaultId = at.top.vault.id.clone();
    Ok(Place { source: source.clone(), vault, item: ItemId::new(&ids::from_uuid(id.uuid())), field })
}
