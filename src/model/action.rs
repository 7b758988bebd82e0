//! What can be asked for, as values and as types.

use std::fmt;

/// Something a principal may be allowed to do with a secret.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Action {
    /// See that it exists.
    List,
    /// See everything about it but its value.
    Describe,
    /// Have the value put where it's needed, without seeing it.
    Use,
    /// See the value.
    Read,
    /// Set the value, or make the secret.
    Write,
    /// Replace the value with a new one.
    Rotate,
    /// Archive it.
    Delete,
}

impl Action {
    /// Every action, in the order documents and answers list them.
    pub const ALL: [Self; 7] =
        [Self::List, Self::Describe, Self::Use, Self::Read, Self::Write, Self::Rotate, Self::Delete];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Describe => "describe",
            Self::Use => "use",
            Self::Read => "read",
            Self::Write => "write",
            Self::Rotate => "rotate",
            Self::Delete => "delete",
        }
    }

    /// The action a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[expect(unnameable_types, reason = "that nobody outside can name it is what seals ActionKind")]
mod sealed {
    pub trait Sealed {}
}

/// An action as a type, so that a proof made for one action can't serve another.
///
/// Sealed: an action added from outside would be one no policy knows about.
pub trait ActionKind: sealed::Sealed + Send + Sync + 'static {
    /// The same action as a value.
    const ACTION: Action;
}

/// The zero-sized markers, one for each [`Action`].
pub mod kind {
    use super::{Action, ActionKind, sealed::Sealed};

    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident)*) => {$(
            $(#[$doc])*
            #[derive(Debug)]
            pub enum $name {}
            impl Sealed for $name {}
            impl ActionKind for $name {
                const ACTION: Action = Action::$name;
            }
        )*};
    }

    kinds! {
        /// See that a secret exists.
        List
        /// See everything about a secret but its value.
        Describe
        /// Have a value put where it's needed.
        Use
        /// See a value.
        Read
        /// Set a value.
        Write
        /// Replace a value with a new one.
        Rotate
        /// Archive an item.
        Delete
    }
}
