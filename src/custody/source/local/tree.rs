//! Vaults and items, as the groups and entries of a file.

use keepass::Database;
use keepass::db::{Entry, EntryId, GroupId};

use super::ids;
use super::item;
use crate::custody::source::Vault;
use crate::model::{ItemPath, Name, VaultId, fold};

/// Stands between the names of groups, and before an entry's title, in an item's name.
pub(super) const SEPARATOR: &str = " › ";

/// Leaves room in a path of 512 bytes for the item's and the field's name, as ids at least.
const MAX_VAULT_BYTES: usize = 256;
const MAX_ITEM_BYTES: usize = 440;

/// A file's groups, seen as vaults. The recycle bin and all in it is left out.
pub(super) struct Tree<'a> {
    db: &'a Database,
    bin: Option<GroupId>,
    tops: Vec<Top>,
}

/// A vault, and the group it is.
pub(super) struct Top {
    /// The group.
    pub(super) group: GroupId,
    /// The vault.
    pub(super) vault: Vault,
}

/// Where an entry is.
pub(super) struct Located<'a> {
    /// In which vault.
    pub(super) top: &'a Top,
    /// Its canonical path.
    pub(super) path: ItemPath,
}

impl<'a> Tree<'a> {
    /// Sees a file as vaults: each group at the top is one, and so is the root for the entries
    /// directly in it.
    pub(super) fn of(db: &'a Database) -> Self {
        let root = db.root();
        let bin = db.recycle_bin().map(|bin| bin.id()).filter(|bin| *bin != root.id());
        let groups: Vec<_> = [root.id()].into_iter().chain(root.group_ids()).filter(|id| Some(*id) != bin).collect();
        let mut tops: Vec<Top> = groups.into_iter().filter_map(|group| top(db, group)).collect();
        let names: Vec<String> = tops.iter().map(|top| top.vault.name.matching()).collect();
        for (top, name) in tops.iter_mut().zip(&names) {
            // Where two vaults have one name, neither keeps it: a rule for that name must not
            // cover a group that somebody else called so.
            if names.iter().filter(|other| *other == name).count() > 1
                && let Ok(id) = Name::new(top.vault.id.as_str())
            {
                top.vault.name = id;
            }
        }
        Self { db, bin, tops }
    }

    /// The vaults, the root only if entries stand in it.
    pub(super) fn vaults(&self) -> Vec<Vault> {
        let root = self.db.root();
        let empty = root.entry_ids().next().is_none();
        self.tops.iter().filter(|top| top.group != root.id() || !empty).map(|top| top.vault.clone()).collect()
    }

    /// The vault of a name, as a path spells it.
    pub(super) fn vault(&self, name: &Name) -> Option<&Top> {
        self.tops.iter().find(|top| top.vault.name.matching() == name.matching())
    }

    /// Every entry, with the place it's in.
    pub(super) fn entries(&self) -> Vec<(EntryId, Located<'_>)> {
        let root = self.db.root().id();
        let mut found = Vec::with_capacity(self.db.num_entries());
        for top in &self.tops {
            let mut open = vec![(top.group, String::new())];
            while let Some((group, prefix)) = open.pop() {
                let Some(group) = self.db.group(group) else { continue };
                for entry in group.entries() {
                    let path = item_path(&top.vault, &prefix, &entry);
                    found.extend(path.map(|path| (entry.id(), Located { top, path })));
                }
                if group.id() != root {
                    let inside = group.groups().filter(|inner| Some(inner.id()) != self.bin);
                    open.extend(inside.map(|inner| (inner.id(), format!("{prefix}{}{SEPARATOR}", inner.name))));
                }
            }
        }
        found
    }

    /// Where an entry is; `None` if it isn't there or lies in the recycle bin.
    pub(super) fn locate(&self, id: EntryId) -> Option<Located<'_>> {
        let entry = self.db.entry(id)?;
        let root = self.db.root().id();
        let mut group = entry.parent().id();
        let mut names = Vec::new();
        let top = loop {
            if Some(group) == self.bin {
                return None;
            }
            let here = self.db.group(group)?;
            let parent = here.parent().map(|parent| parent.id());
            if parent.is_none_or(|parent| parent == root) {
                break self.tops.iter().find(|top| top.group == group)?;
            }
            names.push(format!("{}{SEPARATOR}", here.name));
            group = parent?;
        };
        let prefix: String = names.into_iter().rev().collect();
        let path = item_path(&top.vault, &prefix, &entry)?;
        Some(Located { top, path })
    }

    /// The entries of one path, without regard to case.
    pub(super) fn find(&self, path: &ItemPath) -> Vec<EntryId> {
        let entries = self.entries().into_iter();
        entries.filter(|(_, at)| at.path.matching() == path.matching()).map(|(id, _)| id).collect()
    }
}

fn top(db: &Database, group: GroupId) -> Option<Top> {
    let here = db.group(group)?;
    let id = ids::from_uuid(group.uuid());
    let name = Name::new(&here.name).ok().filter(|name| name.escaped().len() <= MAX_VAULT_BYTES && !name.is_id());
    let name = name.or_else(|| Name::new(&id).ok())?;
    let description = here.notes.clone().filter(|notes| !notes.is_empty());
    Some(Top { group, vault: Vault { id: VaultId::new(&id), name, description } })
}

/// An entry's canonical path: its groups and its title, or its id where no path can carry those or
/// where they look like somebody's id.
fn item_path(vault: &Vault, prefix: &str, entry: &Entry) -> Option<ItemPath> {
    let named = item::title(entry).filter(|title| !title.is_empty()).and_then(|title| {
        let name = Name::new(&format!("{prefix}{title}")).ok().filter(|name| !name.is_id())?;
        ItemPath::new(&vault.name, &name).ok().filter(|path| path.as_str().len() <= MAX_ITEM_BYTES)
    });
    let by_id = || ItemPath::new(&vault.name, &Name::new(&ids::from_uuid(entry.id().uuid())).ok()?).ok();
    named.or_else(by_id)
}

/// Whether a group bears a name, without regard to case.
pub(super) fn is_called(group: &str, name: &str) -> bool {
    fold(group) == fold(name)
}
