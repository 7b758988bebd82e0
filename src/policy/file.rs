//! A policy from a file.

use std::path::Path;

use super::Policy;
use super::diagnostics::Diagnostics;
use super::parse::MAX_BYTES;
use super::trusted::{self, ReadError};

/// Why a policy file didn't become a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file can't be read, or can't be trusted.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it says isn't a policy.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

impl Policy {
    /// Reads a policy file that nobody but its owner can have written.
    ///
    /// # Errors
    ///
    /// Why it isn't trusted and how to mend that, or everything that's wrong with what it says.
    pub fn load(file: &Path) -> Result<Self, LoadError> {
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let text = trusted::read(file, limit)?;
        Ok(Self::parse(&text, &file.display().to_string())?)
    }
}
