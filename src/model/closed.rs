//! Closed sets of words: what may stand as a label of a figure, and nothing else may.

use std::fmt::Debug;

/// A key of which there are so many and no more, known when the program is built.
pub trait Closed: Copy + Eq + Debug + Send + Sync + 'static {
    /// How many there are.
    const COUNT: usize;

    /// Each of them, in a fixed order.
    fn all() -> impl Iterator<Item = Self>;

    /// The place in that order; less than [`Closed::COUNT`].
    fn index(self) -> usize;
}

/// A word out of a closed set.
pub trait Word: Closed {
    /// The word.
    fn as_str(self) -> &'static str;

    /// The one that a word names.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::all().find(|one| one.as_str() == word)
    }
}

impl<A: Closed, B: Closed> Closed for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;

    fn all() -> impl Iterator<Item = Self> {
        A::all().flat_map(|a| B::all().map(move |b| (a, b)))
    }

    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }
}

/// Makes an enum whose every variant stands for one word.
macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }

        impl $crate::model::Closed for $name {
            const COUNT: usize = Self::ALL.len();

            fn all() -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied()
            }

            fn index(self) -> usize {
                Self::ALL.iter().position(|one| *one == self).unwrap_or_default()
            }
        }

        impl $crate::model::Word for $name {
            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

pub(crate) use closed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Looked, SourceKind};

    #[test]
    fn every_key_has_a_place_of_its_own() {
        type Key = ((Looked, SourceKind), Looked);
        let places: Vec<usize> = Key::all().map(Closed::index).collect();
        assert_eq!(places, (0..27).collect::<Vec<_>>());
        assert_eq!(Key::COUNT, 27);
        assert_eq!(SourceKind::from_word("op"), Some(SourceKind::Op));
        assert_eq!(SourceKind::from_word("Op"), None);
    }
}
