//! A set of actions, small enough to copy.

use std::fmt;

use crate::model::Action;

/// A set of actions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ActionSet(u8);

const fn bit(action: Action) -> u8 {
    match action {
        Action::List => 1,
        Action::Describe => 1 << 1,
        Action::Use => 1 << 2,
        Action::Read => 1 << 3,
        Action::Write => 1 << 4,
        Action::Rotate => 1 << 5,
        Action::Delete => 1 << 6,
    }
}

impl ActionSet {
    /// No action.
    pub const NONE: Self = Self(0);

    /// Whether the action is in the set.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & bit(action) != 0
    }

    /// Whether no action is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set with one more action.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | bit(action))
    }

    /// What's in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What's in this one and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The actions, in the order documents list them.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |&action| self.contains(action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl serde::Serialize for ActionSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_own_place() {
        for action in Action::ALL {
            assert_eq!(ActionSet::NONE.with(action).iter().collect::<Vec<_>>(), [action]);
        }
        let all: ActionSet = Action::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Action::ALL.len());
        assert!(all.without(all).is_empty());
    }
}
