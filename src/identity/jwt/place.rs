//! Where a list of keys comes from, and what can go wrong on the way.

use reqwest::Client;
use url::Url;

use super::fetch;
use super::keys::KeySetError;
use super::keys_file::{KeysFile, Stamp};

/// Where a list of keys comes from.
#[derive(Debug)]
pub(in crate::identity) enum Place {
    Url(Client, Url),
    File(KeysFile),
}

/// What an attempt brought.
#[derive(Debug)]
pub(super) enum Loaded {
    /// The file is as it was.
    Same,
    New {
        bytes: Vec<u8>,
        /// The file's, if it's one.
        stamp: Option<Stamp>,
    },
}

/// Why a list of keys couldn't be had. Nothing of it comes from whoever answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nobody answered.
    #[error("the server that has the keys can't be connected to")]
    Unreachable,
    /// It took too long.
    #[error("the server that has the keys didn't answer in time")]
    Slow,
    /// The connection failed half-way.
    #[error("the connection to the server that has the keys broke")]
    Broken,
    /// Another answer than 200. Redirections aren't followed.
    #[error("the server that has the keys answered with status {0}")]
    Status(u16),
    /// What came isn't a list of keys.
    #[error("what should be the issuer's keys isn't: {0}")]
    Set(#[from] KeySetError),
    /// The file can't be read, or can't be trusted.
    #[error("{0}")]
    File(String),
    /// The program ends.
    #[error("the keys weren't loaded, because the server ends")]
    Stopped,
}

impl Place {
    /// Gets the list, or learns that it's the file with a known stamp.
    pub(super) async fn load(&self, known: Option<Stamp>) -> Result<Loaded, LoadError> {
        match self {
            Self::Url(client, url) => Ok(Loaded::New { bytes: fetch::fetch(client, url).await?, stamp: None }),
            Self::File(file) => {
                let file = file.clone();
                let reading = tokio::task::spawn_blocking(move || file.load(known.as_ref()));
                reading.await.map_err(|_| LoadError::Stopped)?
            }
        }
    }
}
