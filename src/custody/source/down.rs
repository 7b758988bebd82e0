//! A source that can't be used as it's configured.

use super::SourceError;
use crate::model::SourceName;

/// A source that answers every question with the same failure, so that the others still answer.
#[derive(Debug)]
pub struct DownSource {
    name: SourceName,
    error: SourceError,
}

impl DownSource {
    /// Notes why; `detail` is for the log, `remedy` also for whoever asks.
    #[must_use]
    pub fn new(name: SourceName, detail: String, remedy: &'static str) -> Self {
        let error = SourceError::Unavailable { source_name: name.clone(), detail, remedy };
        Self { name, error }
    }

    pub(super) fn name(&self) -> &SourceName {
        &self.name
    }

    pub(super) fn error(&self) -> SourceError {
        self.error.clone()
    }
}
