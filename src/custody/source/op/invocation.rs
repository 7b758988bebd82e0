//! What `op` is asked, word for word.

use serde_json::json;
use zeroize::Zeroizing;

use crate::custody::source::onepassword::backend::ItemKey;
use crate::custody::source::onepassword::document::Document;
use crate::custody::source::onepassword::failure::Failure;
use crate::model::VaultId;

/// The length of 1Password's ids.
const ID_LENGTH: usize = 26;

/// One command line of `op`, and what's sent to it. There's no word in it but ours and ids.
pub(super) struct Invocation {
    arguments: Vec<String>,
    input: Option<Zeroizing<Vec<u8>>>,
    asked: Asked,
    json: bool,
}

/// What a request does in 1Password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It doesn't get there.
    Nothing,
    /// It leaves everything as it is.
    Read,
    /// It changes something.
    Write,
}

impl Invocation {
    /// Which version it is.
    pub(super) fn version() -> Self {
        Self { arguments: words(&["--version"]), input: None, asked: Asked::Nothing, json: false }
    }

    /// The vaults it can see.
    pub(super) fn vaults() -> Self {
        Self::read(words(&["vault", "list"]))
    }

    /// The items of all vaults.
    pub(super) fn items() -> Self {
        Self::read(words(&["item", "list"]))
    }

    /// The items of a vault.
    pub(super) fn items_of(vault: &VaultId) -> Result<Self, Failure> {
        Ok(Self::read(words(&["item", "list", "--vault", id(vault.as_str())?])))
    }

    /// An item.
    pub(super) fn item(item: &ItemKey) -> Result<Self, Failure> {
        let (vault, item) = ids(item)?;
        Ok(Self::read(words(&["item", "get", item, "--vault", vault])))
    }

    /// Several items, named on the pipe; they're printed one after another.
    pub(super) fn batch<'a>(items: impl Iterator<Item = &'a ItemKey>) -> Result<Self, Failure> {
        let items = items.map(|item| ids(item).map(|(vault, item)| json!({ "id": item, "vault": { "id": vault } })));
        let items: Vec<_> = items.collect::<Result<_, _>>()?;
        let input = Zeroizing::new(serde_json::Value::from(items).to_string().into_bytes());
        Ok(Self { input: Some(input), ..Self::read(words(&["item", "get", "-"])) })
    }

    /// A new item.
    pub(super) fn create(vault: &VaultId, item: &Document) -> Result<Self, Failure> {
        let mut arguments = words(&["item", "create", "--vault", id(vault.as_str())?]);
        arguments.extend(in_json());
        arguments.push("-".to_owned());
        Ok(Self { arguments, input: Some(item.to_json()), asked: Asked::Write, json: true })
    }

    /// Another content for an item.
    pub(super) fn edit(item: &ItemKey, with: &Document) -> Result<Self, Failure> {
        let (vault, item) = ids(item)?;
        let read = Self::read(words(&["item", "edit", item, "--vault", vault]));
        Ok(Self { input: Some(with.to_json()), asked: Asked::Write, ..read })
    }

    /// An item to be archived.
    pub(super) fn archive(item: &ItemKey) -> Result<Self, Failure> {
        let (vault, item) = ids(item)?;
        let arguments = words(&["item", "delete", item, "--vault", vault, "--archive"]);
        Ok(Self { arguments, input: None, asked: Asked::Write, json: false })
    }

    /// What a service account has used of its limits.
    pub(super) fn rate_limits() -> Self {
        Self::read(words(&["service-account", "ratelimit"]))
    }

    /// What it does in 1Password.
    pub(super) fn asked(&self) -> Asked {
        self.asked
    }

    /// Whether an answer without JSON is none.
    pub(super) fn answers_in_json(&self) -> bool {
        self.json
    }

    /// Its arguments, and what stands on its standard input.
    pub(super) fn into_parts(self) -> (Vec<String>, Option<Zeroizing<Vec<u8>>>) {
        (self.arguments, self.input)
    }

    fn read(mut arguments: Vec<String>) -> Self {
        arguments.extend(in_json());
        Self { arguments, input: None, asked: Asked::Read, json: true }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn in_json() -> [String; 2] {
    ["--format".to_owned(), "json".to_owned()]
}

fn ids(item: &ItemKey) -> Result<(&str, &str), Failure> {
    Ok((id(item.vault.as_str())?, id(item.item.as_str())?))
}

/// An id that can stand on a command line. What has another shape is none of 1Password's, so nothing
/// bears it, and `op` would take it for a name or an option.
fn id(text: &str) -> Result<&str, Failure> {
    if is_id(text) { Ok(text) } else { Err(Failure::Missing) }
}

/// Whether a text has the shape of 1Password's ids.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ItemId;

    #[test]
    fn nothing_but_an_id_gets_onto_a_command_line() {
        let good = "abcdefghijklmnopqrstuvwx12";
        for bad in [
            "",
            "--help",
            "-",
            "Production",
            "ABCDEFGHIJKLMNOPQRSTUVWX12",
            "abcdefghijklmnopqrstuvwx1",
            "-bcdefghijklmnopqrstuvwx12",
        ] {
            let keys = [(good, bad), (bad, good)];
            for (vault, item) in keys {
                let key = ItemKey { vault: VaultId::new(vault), item: ItemId::new(item) };
                assert_eq!(Invocation::item(&key).err(), Some(Failure::Missing), "{vault} {item}");
                assert_eq!(Invocation::archive(&key).err(), Some(Failure::Missing), "{vault} {item}");
                assert!(Invocation::batch([&key].into_iter()).is_err(), "{vault} {item}");
            }
            assert!(Invocation::items_of(&VaultId::new(bad)).is_err(), "{bad}");
        }
        assert!(Invocation::items_of(&VaultId::new(good)).is_ok());
    }
}
