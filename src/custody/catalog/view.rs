//! What the configuration lets be seen of a source.

use crate::custody::source::Vault;
use crate::model::Name;

/// A source's `vaults`, `blocked_vaults` and `rename`.
///
/// Each name in it is a vault's name as the source has it, without regard to case, or its id. A
/// blocked vault stays so whatever it's called: it's blocked by its new name as well.
#[derive(Debug, Clone, Default)]
pub struct SourceView {
    /// Only these vaults; `None` is all that the source shows.
    pub vaults: Option<Vec<Name>>,
    /// Never these, whatever else is said.
    pub blocked_vaults: Vec<Name>,
    /// Vaults that go by another name here: from, to.
    pub rename: Vec<(Name, Name)>,
}

impl SourceView {
    /// What a vault is called here, if it's seen at all.
    #[must_use]
    pub fn name_of(&self, vault: &Vault) -> Option<Name> {
        let is = |name: &Name| name.as_str() == vault.id.as_str() || same(name, &vault.name);
        let renamed = self.rename.iter().find(|(from, _)| is(from)).map(|(_, to)| to);
        let name = renamed.unwrap_or(&vault.name);
        let blocked = self.blocked_vaults.iter().any(|blocked| is(blocked) || same(blocked, name));
        let admitted = self.vaults.as_ref().is_none_or(|vaults| vaults.iter().any(is));
        if blocked || !admitted {
            return None;
        }
        // An id always means the thing that bears it, so no other vault may be called so.
        if is_id_shaped(&name.matching()) && name.as_str() != vault.id.as_str() {
            Name::new(vault.id.as_str()).ok()
        } else {
            Some(name.clone())
        }
    }

    /// Whether a vault of this name would be seen if it were made.
    #[must_use]
    pub fn admits_new(&self, name: &Name) -> bool {
        let taken = self.rename.iter().any(|(from, to)| same(from, name) || same(to, name));
        let blocked = self.blocked_vaults.iter().any(|blocked| same(blocked, name));
        !taken && !blocked && self.vaults.as_ref().is_none_or(|vaults| vaults.iter().any(|vault| same(vault, name)))
    }

    /// Whether a vault of this name could be in the source, as far as can be told without asking it.
    pub(in crate::custody) fn may_hold(&self, wanted: &Name) -> bool {
        if self.blocked_vaults.iter().any(|blocked| same(blocked, wanted)) {
            return false;
        }
        let from = self.rename.iter().find(|(_, to)| same(to, wanted)).map(|(from, _)| from);
        if from.is_none() && self.rename.iter().any(|(from, _)| same(from, wanted)) {
            return false;
        }
        let wanted = from.unwrap_or(wanted);
        // Behind an id there may be any name, and behind a name any id.
        self.vaults
            .as_ref()
            .is_none_or(|vaults| wanted.is_id() || vaults.iter().any(|vault| vault.is_id() || same(vault, wanted)))
    }
}

/// Whether two names are the same without regard to case.
pub(super) fn same(one: &Name, other: &Name) -> bool {
    let (a, b) = (one.as_str(), other.as_str());
    if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { one.matching() == other.matching() }
}

/// Whether a text in the matching form could be taken for an id.
pub(super) fn is_id_shaped(matching: &str) -> bool {
    matching.len() == 26 && Name::new(matching).is_ok_and(|name| name.is_id())
}
