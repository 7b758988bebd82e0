//! Many items from one process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};

use super::classify::Complaint;
use super::invocation::Invocation;
use super::{OpClient, Reply};
use crate::custody::source::onepassword::backend::{Backend as _, ItemKey};
use crate::custody::source::onepassword::document::Document;
use crate::custody::source::onepassword::failure::Failure;

/// The most items asked for at once, so that a process ends in time and its answer has room.
const MOST_ITEMS: usize = 50;

/// So many fruitless batches in a row for no known reason, and there will be no more.
const PATIENCE: u8 = 3;

/// Whether it's worth asking for several items at once.
#[derive(Debug, Default)]
pub(super) struct Batches {
    fruitless: AtomicU8,
}

impl Batches {
    pub(super) fn work(&self) -> bool {
        self.fruitless.load(Ordering::Relaxed) < PATIENCE
    }

    fn note(&self, items: usize, complaint: Option<Complaint>) {
        match complaint {
            _ if items > 0 => self.fruitless.store(0, Ordering::Relaxed),
            Some(Complaint::PipeUnread | Complaint::Usage) => self.fruitless.store(PATIENCE, Ordering::Relaxed),
            // Whatever else is known has nothing to do with how many items were asked for, except that
            // one that isn't there may have spoilt it for the others.
            None | Some(Complaint::Unknown | Complaint::Rejected) => {
                self.fruitless.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {}
        }
    }
}

impl OpClient {
    /// The items it could get, those that were asked for only.
    pub(super) async fn batch(&self, items: &[ItemKey]) -> Result<Vec<Document>, Failure> {
        if let [item] = items {
            return Ok(self.read(item).await.into_iter().collect());
        }
        if !self.batches.work() {
            return Ok(Vec::new());
        }
        let mut wanted: BTreeMap<&str, &ItemKey> = items.iter().map(|item| (item.item.as_str(), item)).collect();
        let keys: Vec<&ItemKey> = wanted.values().copied().collect();
        let mut begun = Vec::new();
        for keys in keys.chunks(MOST_ITEMS) {
            let Ok(batch) = Invocation::batch(keys.iter().copied()) else { continue };
            begun.extend(self.begin(batch).await);
        }
        let (mut found, mut failure) = (Vec::new(), None);
        for request in begun {
            let (json, complaint) = match request.reply().await {
                Ok(Reply::Answer(json)) => (json, None),
                // What came before it complained is as good as any.
                Ok(Reply::Complaint(complaint, json)) => (json, Some(complaint)),
                Err(_) => continue,
            };
            let documents = Document::parse_leading(&json);
            failure = complaint.filter(|complaint| is_about_all(*complaint)).or(failure);
            self.batches.note(documents.len(), complaint);
            // Each once, and none that wasn't asked for.
            found.extend(
                documents
                    .into_iter()
                    .filter(|document| wanted.remove(document.id()).is_some_and(|key| document.is_in(&key.vault))),
            );
        }
        match failure {
            Some(complaint) if found.is_empty() => Err(self.explained(complaint)),
            _ => Ok(found),
        }
    }
}

/// Whether every other request would meet the same.
fn is_about_all(complaint: Complaint) -> bool {
    match complaint {
        Complaint::AppUnreachable
        | Complaint::Offline
        | Complaint::PromptDismissed
        | Complaint::PromptUnanswered
        | Complaint::RateLimited(_)
        | Complaint::SessionExpired
        | Complaint::SignedOut
        | Complaint::TokenMalformed
        | Complaint::TokenRefused => true,
        Complaint::Conflict
        | Complaint::Forbidden
        | Complaint::Interrupted
        | Complaint::Missing
        | Complaint::PipeUnread
        | Complaint::Rejected
        | Complaint::ServerTrouble
        | Complaint::TooLarge
        | Complaint::Unknown
        | Complaint::Usage
        | Complaint::VaultNeeded => false,
    }
}
