//! The principals, what's theirs, and the words by which it's known.

use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::Result;
use crate::home::{Home, Item, Vault};
use crate::tokens::{Issuer, SIGNED, StaticToken, hex, random};

/// How many principals there are, and how many items each has.
const PRINCIPALS: usize = 10;
const ITEMS: usize = 12;

/// What every canary begins with. Nothing else does.
pub(super) const MARK: &str = "cnry";

/// How long a canary is, its mark included.
pub(super) const LENGTH: usize = 24;

/// What's tried, and by whom.
pub(super) struct World {
    pub(super) home: Home,
    principals: Vec<Principal>,
    issuer: Issuer,
    /// Every token that was ever good.
    pub(super) tokens: Mutex<Vec<String>>,
    /// Sessions that are open, and whose they are.
    pub(super) sessions: Mutex<Vec<(usize, String)>>,
    /// Cursors that were given out, and to whom.
    pub(super) cursors: Mutex<Vec<(usize, String)>>,
}

/// One principal.
pub(super) struct Principal {
    name: String,
    /// Its name has a canary.
    pub(super) vault: String,
    /// Their names have it, too.
    pub(super) items: Vec<String>,
    /// The item that one of the two policies forbids.
    pub(super) toggled: String,
    pub(super) name_canary: String,
    pub(super) value_canary: String,
    bearer: Mutex<String>,
    is_signed: bool,
}

impl World {
    pub(super) fn new(opward: &Path) -> Result<Self> {
        let (issuer, mut tables, mut tokens) = (Issuer::new()?, String::new(), Vec::new());
        let (mut principals, mut vaults) = (Vec::new(), Vec::new());
        for index in 0..PRINCIPALS {
            let is_signed = index.is_multiple_of(2);
            let name = format!("{}team-{index}", if is_signed { SIGNED } else { "" });
            let bearer = if is_signed {
                issuer.sign(&name)?
            } else {
                let token = StaticToken::new()?;
                tables.push_str(&token.table(&name));
                token.text
            };
            tokens.push(bearer.clone());
            let (name_canary, value_canary) = (canary()?, canary()?);
            let vault = format!("Team-{index}-{name_canary}");
            let items: Vec<_> = (0..ITEMS).map(|item| format!("Item-{item:02}-{name_canary}")).collect();
            let toggled = format!("Toggle-{name_canary}");
            let made = items.iter().chain([&toggled]).map(|title| Item {
                title: title.clone(),
                user: format!("user-{value_canary}"),
                password: format!("{value_canary}-first"),
            });
            vaults.push(Vault { name: vault.clone(), items: made.collect() });
            let bearer = Mutex::new(bearer);
            principals.push(Principal { name, vault, items, toggled, name_canary, value_canary, bearer, is_signed });
        }
        let home = Home::new(opward, &vaults, &policy(&principals, false))?;
        home.configure("\n[http]\naccess_log = true\n")?;
        home.configure(&tables)?;
        home.configure(&issuer.table(&home.path())?)?;
        let (sessions, cursors) = (Mutex::default(), Mutex::default());
        Ok(Self { home, principals, issuer, tokens: Mutex::new(tokens), sessions, cursors })
    }

    pub(super) fn owners(&self) -> Range<usize> {
        0..self.principals.len()
    }

    pub(super) fn principal(&self, owner: usize) -> Result<&Principal> {
        Ok(self.principals.get(owner).ok_or("there's no such principal")?)
    }

    pub(super) fn principals(&self) -> &[Principal] {
        &self.principals
    }

    /// Puts another policy into force, with or without the deny.
    pub(super) fn set_policy(&self, denies: bool) -> Result<()> {
        self.home.set_policy(&policy(&self.principals, denies))
    }

    /// Gives everybody who has a signed token another one.
    pub(super) fn renew_tokens(&self) -> Result<()> {
        for principal in self.principals.iter().filter(|principal| principal.is_signed) {
            let token = self.issuer.sign(&principal.name)?;
            lock(&self.tokens).push(token.clone());
            *lock(&principal.bearer) = token;
        }
        Ok(())
    }
}

impl Principal {
    pub(super) fn bearer(&self) -> String {
        lock(&self.bearer).clone()
    }
}

/// What a panic left behind is as good as before: these are lists.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Each principal may do as it likes in its own vault.
fn policy(principals: &[Principal], denies: bool) -> String {
    let rule = |principal: &Principal| {
        format!(
            "\n[[rule]]\nid = \"{2}\"\nprincipals = [\"{0}\"]\nactions = [\"list\", \"describe\", \"read\", \"write\"]\n\
             paths = [\"{1}/**\"]\n",
            principal.name,
            principal.vault,
            // A rule's id has no colon.
            principal.name.replace(':', "-")
        )
    };
    let mut text: String = std::iter::once("version = 1\n".to_owned()).chain(principals.iter().map(rule)).collect();
    if denies {
        text.push_str(
            "\n[[rule]]\nid = \"toggled\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\n\
             paths = [\"*/Toggle*\"]\n",
        );
    }
    text
}

fn canary() -> Result<String> {
    Ok(format!("{MARK}{}", hex(&random::<10>()?)))
}
