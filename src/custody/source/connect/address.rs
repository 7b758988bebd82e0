//! Where the server is, and the addresses below it.

use std::fmt;

use reqwest::Url;

use super::error::ConnectSetupError;
use super::shape::is_id;
use crate::custody::source::onepassword::backend::ItemKey;
use crate::model::VaultId;

/// The server's address, without a slash at its end.
pub(super) struct Address {
    base: String,
    encrypted: bool,
}

impl Address {
    /// Reads an address. What a parser of addresses would quietly repair or drop is refused: the
    /// token goes there.
    pub(super) fn parse(text: &str) -> Result<Self, ConnectSetupError> {
        let refuse = |why| Err(ConnectSetupError::Url(why));
        if !(text.starts_with("http://") || text.starts_with("https://")) {
            return refuse("must start with `http://` or `https://`");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return refuse("must be an address without blanks, control characters and backslashes");
        }
        if text.contains('@') {
            return refuse("must have no user name or password: the token goes into its own file or variable");
        }
        if text.contains(['?', '#']) {
            return refuse("must end with the host, the port or a path: no `?` or `#`");
        }
        let Ok(url) = Url::parse(text) else { return refuse("isn't an address") };
        if url.host_str().is_none() {
            return refuse("names no host");
        }
        if text.split('/').skip(3).any(|segment| matches!(segment, "." | "..") || segment.contains('%')) {
            return refuse("must have a plain path, if any: no `.`, `..` or `%`");
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, encrypted: url.scheme() == "https" })
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Something at the server's root.
    pub(super) fn root(&self, name: &'static str) -> String {
        format!("{}/{name}", self.base)
    }

    /// The list of vaults.
    pub(super) fn vaults(&self) -> String {
        self.root("v1/vaults")
    }

    /// A vault's list of items; `None` if nothing can have that id.
    pub(super) fn items(&self, vault: &VaultId) -> Option<String> {
        let vault = vault.as_str();
        is_id(vault).then(|| format!("{}/{vault}/items", self.vaults()))
    }

    /// An item; `None` if nothing can have that id.
    pub(super) fn item(&self, key: &ItemKey) -> Option<String> {
        let item = key.item.as_str();
        self.items(&key.vault).filter(|_| is_id(item)).map(|items| format!("{items}/{item}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ItemId;

    const ID: &str = "hfnjvi6aymbsnfc2xeeoheizda";

    #[test]
    fn takes_an_address_with_or_without_a_path() {
        for (text, base) in [
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://connect.example.com:443", "https://connect.example.com"),
            ("https://example.com/tools/connect/", "https://example.com/tools/connect"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(format!("{:?}", Address::parse(text).unwrap()), base);
        }
        let address = Address::parse("https://example.com/tools").unwrap();
        assert_eq!(address.vaults(), "https://example.com/tools/v1/vaults");
    }

    #[test]
    fn refuses_what_would_have_to_be_repaired() {
        for text in [
            "",
            "localhost:8080",
            "ftp://localhost",
            "HTTP://localhost",
            "http:/localhost",
            "http://",
            "http://user:pass@localhost",
            "http://@localhost",
            "http://localhost?x=1",
            "http://localhost/?",
            "http://localhost/#",
            " http://localhost",
            "http://local\thost",
            "http://localhost\\@evil",
            "http://localhost/a/../b",
            "http://localhost/%2e%2e/b",
            "http://localhost:99999",
        ] {
            assert!(matches!(Address::parse(text), Err(ConnectSetupError::Url(_))), "{text}");
        }
    }

    #[test]
    fn only_ids_go_into_an_address() {
        let address = Address::parse("http://localhost").unwrap();
        let key = |vault: &str, item: &str| ItemKey { vault: VaultId::new(vault), item: ItemId::new(item) };
        assert_eq!(address.item(&key(ID, ID)), Some(format!("http://localhost/v1/vaults/{ID}/items/{ID}")));
        for wrong in ["", "..", "../../../metrics", "HFNJVI6AYMBSNFC2XEEOHEIZDA", "hfnjvi6aymbsnfc2xeeoheizd/"] {
            assert_eq!(address.item(&key(ID, wrong)), None, "{wrong}");
            assert_eq!(address.item(&key(wrong, ID)), None, "{wrong}");
            assert_eq!(address.items(&VaultId::new(wrong)), None, "{wrong}");
        }
    }
}
