//! The prints of the values that a source has had in hand.

use std::sync::Arc;

use super::{ConnectSource, OpSource, Source};
use crate::custody::fingerprint::{PrintKey, Prints};

impl Source {
    /// Takes prints of values from now on, whenever it has them in hand.
    pub fn take_prints_with(&self, key: &PrintKey) {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.take_prints_with(key),
            Self::Local(local) => local.take_prints_with(key),
            Self::Op(OpSource(remote)) => remote.take_prints_with(key),
            Self::Down(_) => {}
        }
    }

    /// The prints of the values that are known: all of a file's, and of 1Password's items those that were read.
    #[must_use]
    pub fn prints(&self) -> Option<Arc<Prints>> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.prints(),
            Self::Local(local) => local.prints(),
            Self::Op(OpSource(remote)) => remote.prints(),
            Self::Down(_) => None,
        }
    }

    /// Whether a look at what it holds would bring the prints of other values.
    #[must_use]
    pub fn has_old_prints(&self) -> bool {
        matches!(self, Self::Local(local) if local.fresh().is_none())
    }
}
