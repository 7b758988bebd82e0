//! What can be done with a permit: read a value, use it, set it, replace it, archive its item, or look at
//! names.
//!
//! Each verb goes the same way: resolve the reference to one canonical path, get a permit at the
//! door, open, and close the record; only then is there an answer, and it carries the proof.

mod bundle;
mod deliver;
mod generate;
mod guard;
mod look;
mod meaning;
mod read;
mod resolve;
mod view;
mod write;

pub use bundle::EnvBundle;
pub use deliver::{Actions, Asking, CommandView, ForProgram, NotGiven, OwnFiles, Ran, Records, RequestView, Responded};
pub use generate::Recipe;
pub use guard::Told;
pub use look::{ListQuery, Page};
pub use read::ReadValue;
pub use view::{ExposureView, FieldView, ItemView, Listed, RequestsLeft, VaultView, Vaults};
pub use write::{Archived, NewSecret, Replaced, Replacement, Written};

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::authz::Settled;
use crate::custody::{Custody, FieldAliases, SourceError};
use crate::egress::Sender;
use crate::model::Reference;

/// The variables of a configured bundle and where their values are.
pub type Bundle = BTreeMap<String, Reference>;

/// Carries out what the door allows.
#[derive(Debug, Clone)]
pub struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    custody: Arc<Custody>,
    aliases: FieldAliases,
    bundles: BTreeMap<String, Bundle>,
    writes: TaskTracker,
    turns: deliver::Turns,
    sender: Sender,
    own_files: OwnFiles,
}

/// An answer and the proof that what led to it was recorded.
#[derive(Debug)]
#[must_use]
pub struct Done<T> {
    /// The answer.
    pub body: T,
    /// The proof.
    pub settled: Settled,
}

/// Tells the operator of a source's failure: what the caller got wrong is only of interest to who
/// looks closely.
fn log_failure(error: &SourceError, what: &'static str) {
    match error {
        SourceError::Conflict { .. }
        | SourceError::Invalid { .. }
        | SourceError::Missing { .. }
        | SourceError::TooLarge { .. }
        | SourceError::Unsupported { .. } => tracing::info!(%error, "{what}"),
        SourceError::Forbidden { .. }
        | SourceError::RateLimited { .. }
        | SourceError::ReadOnly { .. }
        | SourceError::Unavailable { .. } => tracing::warn!(%error, "{what}"),
    }
}

impl Broker {
    /// Puts the broker in front of custody.
    ///
    /// Writes run as tasks of `writes`, so that a client that goes away doesn't end one halfway;
    /// whoever shuts the program down waits for it.
    #[must_use]
    pub fn new(
        custody: Arc<Custody>,
        aliases: FieldAliases,
        bundles: BTreeMap<String, Bundle>,
        writes: TaskTracker,
        sender: Sender,
        own_files: OwnFiles,
    ) -> Self {
        Self(Arc::new(Inner { custody, aliases, bundles, writes, turns: deliver::Turns::default(), sender, own_files }))
    }
}
