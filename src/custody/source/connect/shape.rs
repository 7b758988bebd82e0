//! What Connect's answers look like, as far as this client reads them itself.

use std::borrow::Cow;

use serde::Deserialize;

use crate::custody::source::onepassword::backend::{ItemKey, RemoteVault};
use crate::model::{ItemId, VaultId};

/// A vault as it's listed.
#[derive(Deserialize)]
pub(super) struct ListedVault {
    id: String,
    name: Option<String>,
    description: Option<String>,
}

/// What tells whose answer it is, out of an item's JSON.
#[derive(Deserialize)]
pub(super) struct Identity<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    vault: VaultOf<'a>,
}

#[derive(Deserialize)]
struct VaultOf<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl ListedVault {
    /// The vault, if its id is one.
    pub(super) fn into_vault(self) -> Option<RemoteVault> {
        is_id(&self.id).then(|| RemoteVault {
            id: VaultId::new(&self.id),
            name: self.name.filter(|name| !name.is_empty()).unwrap_or(self.id),
            description: self.description.filter(|text| !text.is_empty()),
        })
    }
}

impl Identity<'_> {
    /// Whether it's this item.
    pub(super) fn is(&self, key: &ItemKey) -> bool {
        self.id == key.item.as_str() && self.is_in(&key.vault)
    }

    /// Whether it's an item of this vault.
    pub(super) fn is_in(&self, vault: &VaultId) -> bool {
        self.vault.id == vault.as_str() && is_id(&self.id)
    }

    /// The item's id.
    pub(super) fn item(&self) -> ItemId {
        ItemId::new(&self.id)
    }
}

/// Whether a text has the shape of an id. Only such a text goes into an address.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "hfnjvi6aymbsnfc2xeeoheizda";
    const OTHER: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";

    #[test]
    fn a_vault_without_a_name_is_called_by_its_id() {
        let vault = |json: &str| serde_json::from_str::<ListedVault>(json).unwrap().into_vault();
        let named = vault(&format!(r#"{{"id":"{ID}","name":"a/b","description":"","type":"NEW_KIND"}}"#)).unwrap();
        assert_eq!((named.name.as_str(), named.description), ("a/b", None));
        assert_eq!(vault(&format!(r#"{{"id":"{ID}","name":""}}"#)).unwrap().name, ID);
        assert_eq!(vault(r#"{"id":"../../metrics","name":"x"}"#), None);
    }

    #[test]
    fn an_answer_says_which_item_it_is() {
        let json = format!(r#"{{"id":"{ID}","vault":{{"id":"{OTHER}","name":"x"}},"fields":[]}}"#);
        let identity: Identity<'_> = serde_json::from_str(&json).unwrap();
        let key = ItemKey { vault: VaultId::new(OTHER), item: ItemId::new(ID) };
        assert!(identity.is(&key) && identity.is_in(&key.vault));
        assert!(!identity.is(&ItemKey { item: ItemId::new(OTHER), ..key.clone() }));
        assert!(!identity.is(&ItemKey { vault: VaultId::new(ID), ..key }));
    }
}
