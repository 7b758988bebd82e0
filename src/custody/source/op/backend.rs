//! The seam's questions, as `op` answers them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::classify::Complaint;
use super::invocation::Invocation;
use super::{OpClient, Reply, answer, explain};
use crate::custody::source::onepassword::backend::{Backend, Command, Cost, ItemKey, RemoteVault, Removal};
use crate::custody::source::onepassword::document::Document;
use crate::custody::source::onepassword::failure::Failure;
use crate::custody::value::SecretValue;
use crate::model::{FieldId, ItemId, VaultId};

/// How long a read waits for others: little beside the process it then needs no more.
const GATHERING: Duration = Duration::from_millis(5);

impl Backend for OpClient {
    async fn vaults(&self) -> Result<Vec<RemoteVault>, Failure> {
        let json = self.ask(Invocation::vaults()).await?;
        let vaults = answer::vaults(&json).ok_or_else(explain::not_understood)?;
        self.vaults_seen.store(vaults.len(), Ordering::Relaxed);
        Ok(vaults)
    }

    async fn items(&self, vaults: &[VaultId]) -> Result<Vec<Document>, Failure> {
        if self.lists_all_at_once(vaults.len()) {
            match self.begin(Invocation::items()).await?.reply().await? {
                Reply::Answer(json) => {
                    let items = Document::parse_list(&json).map_err(|_| explain::not_understood())?;
                    return Ok(items.into_iter().filter(|item| vaults.iter().any(|vault| item.is_in(vault))).collect());
                }
                // From now on it's told.
                Reply::Complaint(Complaint::VaultNeeded, _) => self.lists_by_vault.store(true, Ordering::Relaxed),
                Reply::Complaint(complaint, _) => return Err(self.explained(complaint)),
            }
        }
        self.items_by_vault(vaults).await
    }

    async fn read(&self, item: &ItemKey) -> Result<Document, Failure> {
        let json = self.ask(Invocation::item(item)?).await?;
        let document = Document::parse(&json).map_err(|_| explain::not_understood())?;
        let is_it = document.id() == item.item.as_str() && document.is_in(&item.vault);
        if is_it { Ok(document) } else { Err(explain::not_understood()) }
    }

    async fn read_batch(&self, items: &[ItemKey]) -> Result<Vec<Document>, Failure> {
        self.batch(items).await
    }

    fn gathers_for(&self) -> Option<Duration> {
        self.batches.work().then_some(GATHERING)
    }

    async fn create(&self, vault: &VaultId, item: &Document) -> Result<ItemId, Failure> {
        let json = self.ask(Invocation::create(vault, item)?).await?;
        answer::id(&json).ok_or_else(explain::not_understood)
    }

    async fn replace(&self, item: &ItemKey, with: &Document) -> Result<(), Failure> {
        let json = self.ask(Invocation::edit(item, with)?).await?;
        if answer::id(&json).as_ref() == Some(&item.item) { Ok(()) } else { Err(explain::not_understood()) }
    }

    async fn set_value(&self, _: &ItemKey, _: &FieldId, _: &SecretValue) -> Option<Result<(), Failure>> {
        // `op` can, and only with the value on its command line.
        None
    }

    async fn remove(&self, item: &ItemKey) -> Result<(), Failure> {
        self.ask(Invocation::archive(item)?).await.map(drop)
    }

    fn removal(&self) -> Removal {
        Removal::Archives
    }

    fn cost(&self, of: Command) -> Cost {
        if !self.settings.sign_in.is_service_account() {
            return Cost::default();
        }
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        let reads = |reads| Cost { reads, writes: 0 };
        match of {
            Command::Vaults | Command::Read => reads(1),
            Command::Items(vaults) if self.lists_all_at_once(vaults) => reads(count(self.visible(vaults) + 1)),
            Command::Items(vaults) => reads(count(vaults).saturating_mul(2)),
            Command::ReadBatch(items) => reads(count(items)),
            Command::Create => Cost { reads: 0, writes: 1 },
            Command::Replace | Command::Remove => Cost { reads: 4, writes: 1 },
        }
    }
}

impl OpClient {
    /// Whether the items of so many vaults are listed together: one request and one more for each
    /// vault there is, against two for each that's asked for.
    fn lists_all_at_once(&self, vaults: usize) -> bool {
        vaults > 1 && !self.lists_by_vault.load(Ordering::Relaxed) && self.visible(vaults) < vaults.saturating_mul(2)
    }

    /// How many vaults there are, as far as it's known.
    fn visible(&self, asked_for: usize) -> usize {
        self.vaults_seen.load(Ordering::Relaxed).max(asked_for)
    }

    async fn items_by_vault(&self, vaults: &[VaultId]) -> Result<Vec<Document>, Failure> {
        let mut begun = Vec::new();
        for vault in vaults {
            begun.push(self.begin(Invocation::items_of(vault)?).await?);
        }
        let (mut items, mut refused) = (Vec::new(), Vec::new());
        for (request, vault) in begun.into_iter().zip(vaults) {
            match request.reply().await? {
                Reply::Answer(json) => {
                    items.append(&mut Document::parse_list(&json).map_err(|_| explain::not_understood())?);
                }
                Reply::Complaint(Complaint::Missing, _) => refused.push(vault),
                Reply::Complaint(complaint, _) => return Err(self.explained(complaint)),
            }
        }
        // Gone since it was listed, or not granted any more, there's nothing in it for us. A vault that's
        // still there and said to be missing isn't an empty one.
        if !refused.is_empty() {
            let there = self.vaults().await?;
            if there.iter().any(|vault| refused.contains(&&vault.id)) {
                return Err(explain::denied_vault());
            }
        }
        Ok(items)
    }

    pub(super) fn explained(&self, complaint: Complaint) -> Failure {
        explain::complaint(complaint, &self.circumstances(super::Asked::Read))
    }
}
