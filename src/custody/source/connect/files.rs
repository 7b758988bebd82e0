//! Which files an item has.

use serde::Deserialize;

use super::ConnectClient;
use super::body;
use super::shape::is_id;
use super::wire::{Ask, unexpected};
use crate::custody::source::onepassword::backend::ItemKey;
use crate::custody::source::onepassword::failure::Failure;

/// A file of an item, without its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::custody::source) struct FileEntry {
    /// Its id.
    pub(in crate::custody::source) id: String,
    /// Its name, as it's written there.
    pub(in crate::custody::source) name: String,
    /// Its length in bytes.
    pub(in crate::custody::source) size: u64,
    /// The id of the section it's in.
    pub(in crate::custody::source) section: Option<String>,
    /// Where its contents are, below the server's address; `None` if the server names any other place.
    pub(in crate::custody::source) content: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    size: u64,
    section: Option<Section>,
    content_path: Option<String>,
}

#[derive(Deserialize)]
struct Section {
    id: Option<String>,
}

impl ConnectClient {
    /// The files of an item.
    pub(in crate::custody::source) async fn files(&self, item: &ItemKey) -> Result<Vec<FileEntry>, Failure> {
        let address = format!("{}/files", self.item_address(item)?);
        let answer = self.wire.ask(&Ask::get(address, body::ITEM)).await?;
        let files: Option<Vec<Listed>> = serde_json::from_slice(&answer.body).ok();
        let files = files.and_then(|files| files.into_iter().map(|file| file.into_entry(item)).collect());
        files.ok_or_else(|| unexpected("the answer isn't a list of files"))
    }
}

impl Listed {
    fn into_entry(self, item: &ItemKey) -> Option<FileEntry> {
        let Self { id, name, size, section, content_path } = self;
        let (vault, item) = (item.vault.as_str(), item.item.as_str());
        let own = format!("v1/vaults/{vault}/items/{item}/files/{id}/content");
        // Written with and without a slash before it. Any other place isn't gone to.
        let content = content_path.filter(|path| path.strip_prefix('/').unwrap_or(path) == own).map(|_| own);
        is_id(&id).then(|| FileEntry { id, name, size, section: section.and_then(|section| section.id), content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemId, VaultId};

    const VAULT: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
    const ITEM: &str = "hfnjvi6aymbsnfc2xeeoheizda";
    const FILE: &str = "6r65pjq33banznomn7q22sj44e";

    fn entry(content_path: &str) -> Option<FileEntry> {
        let file = serde_json::json!({"id": FILE, "name": "a.pem", "size": 9, "content_path": content_path});
        let key = ItemKey { vault: VaultId::new(VAULT), item: ItemId::new(ITEM) };
        serde_json::from_value::<Listed>(file).unwrap().into_entry(&key)
    }

    #[test]
    fn contents_are_nowhere_but_below_the_item() {
        let own = format!("v1/vaults/{VAULT}/items/{ITEM}/files/{FILE}/content");
        for path in [own.clone(), format!("/{own}")] {
            assert_eq!(entry(&path).unwrap().content.as_deref(), Some(own.as_str()));
        }
        for path in [
            "",
            "/metrics",
            &format!("//{own}"),
            &format!("http://evil.example/{own}"),
            &format!("//evil.example/{own}"),
            &format!("v1/vaults/{VAULT}/items/{VAULT}/files/{FILE}/content"),
            &format!("{own}/../../../../x"),
        ] {
            assert_eq!(entry(path).unwrap().content, None, "{path}");
        }
    }
}
