//! What an `op` source is made of.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::OpEnvironment;
use crate::custody::value::SecretValue;

/// How to start `op`.
#[derive(Debug)]
pub struct OpSettings {
    /// The program's absolute path; `None` looks for it.
    pub command: Option<PathBuf>,
    /// The folders it's looked for in, as `PATH` has them.
    pub search_path: OsString,
    /// Who it asks as.
    pub sign_in: SignIn,
    /// What it may know of the environment.
    pub environment: OpEnvironment,
    /// How long one process may take; `None` for the usual time.
    pub timeout: Option<Duration>,
}

/// Who `op` asks as.
#[derive(Debug)]
pub enum SignIn {
    /// A service account, by its token.
    ServiceAccount(SecretValue),
    /// Whoever allows it in the desktop app.
    App {
        /// The account, where the app has several.
        account: Option<Account>,
    },
    /// Whoever signed in on the command line before.
    Session {
        /// The account signed in to.
        account: Account,
        /// What signing in printed.
        token: SecretValue,
    },
}

/// An account as `op` knows it: its sign-in address, its id, or the short name given to it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(Box<str>);

/// A text that names no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account is a sign-in address, an id or a short name: letters, digits, and `.`, `-`, `_`, `@` or `+` within"
)]
pub struct NotAnAccount;

impl Account {
    /// Reads an account's address, id or short name.
    ///
    /// # Errors
    ///
    /// A text that `op` could take for something else.
    pub fn new(text: &str) -> Result<Self, NotAnAccount> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if first && text.chars().all(plain) && text.len() <= 254 { Ok(Self(text.into())) } else { Err(NotAnAccount) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SignIn {
    /// Whether 1Password limits how often it may ask.
    pub(super) fn is_service_account(&self) -> bool {
        matches!(self, Self::ServiceAccount(_))
    }

    /// Whether a person may have to allow a request while it's waiting.
    pub(super) fn may_prompt(&self) -> bool {
        matches!(self, Self::App { .. })
    }

    /// What names the account on the command line. One word, so that it can't be taken for two.
    pub(super) fn argument(&self) -> Option<String> {
        let account = match self {
            Self::ServiceAccount(_) => None,
            Self::App { account } => account.as_ref(),
            Self::Session { account, .. } => Some(account),
        };
        account.map(|account| format!("--account={}", account.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_no_option_and_no_assignment() {
        for good in ["my.1password.com", "family", "a@b.example", "4JQ7XNWLV5GMRWX6SYR5DW4HZA"] {
            assert!(Account::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-family", "--help", "a=b", "a b", "a\0b", "a\nb", "é", &"a".repeat(255)] {
            assert!(Account::new(bad).is_err(), "{bad:?}");
        }
    }
}
