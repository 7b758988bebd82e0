//! A token, from where the configuration says it is.

use std::mem;

use zeroize::Zeroizing;

use crate::config::{Environment, TokenPlace};
use crate::custody::SecretValue;
use crate::model::{ErrorCode, PublicError};
use crate::policy::{ReadError, read_private};

/// The most bytes a token's file may have; 1Password's tokens have about 850.
const MAX_BYTES: u64 = 16 * 1024;

/// Why there's no token. None of it is in here.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// The file can't be read, or isn't private.
    #[error("the token's file can't be used: {0}")]
    File(#[from] ReadError),
    /// The variable isn't set.
    #[error("the variable {0}, which should hold the token, isn't set where this server was started")]
    NotSet(String),
    /// There's nothing in it.
    #[error("{0} is empty")]
    Empty(String),
    /// It isn't one line of printable characters.
    #[error("{0} isn't a token: a token is one line without blanks")]
    NotAToken(String),
    /// It's the other kind's.
    #[error("{0} is {1}")]
    Other(String, &'static str),
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A service account, through `op`.
    ServiceAccount,
    /// A Connect server.
    Connect,
    /// A session of `op`.
    Session,
}

/// Reads a token.
pub(super) fn read(place: &TokenPlace, purpose: Purpose, environment: &Environment) -> Result<SecretValue, TokenError> {
    read_text(place, purpose, environment).map(|mut text| SecretValue::new(mem::take(&mut *text)))
}

fn read_text(place: &TokenPlace, purpose: Purpose, environment: &Environment) -> Result<Zeroizing<String>, TokenError> {
    match place {
        TokenPlace::File(file) => {
            let text = read_private(file, MAX_BYTES)?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            check(line.strip_suffix('\r').unwrap_or(line), purpose, || format!("what's in {}", file.display()))
        }
        TokenPlace::Variable(name) => match environment.value(name) {
            Some(value) => check(value.to_str().unwrap_or("\0"), purpose, || format!("what's in {name}")),
            None => Err(TokenError::NotSet(name.clone())),
        },
    }
}

/// Whether a text that a person gave can be a token.
///
/// # Errors
///
/// What's wrong with it, without any part of it.
pub fn check_pasted(text: &str, purpose: Purpose) -> Result<(), PublicError> {
    let invalid = |error: TokenError| PublicError::new(ErrorCode::Invalid, error.to_string(), "nothing was made");
    check(text, purpose, || "what was given".to_owned()).map(drop).map_err(invalid)
}

/// Takes a text for a token, if it can be one; `place` says where it's from.
fn check(text: &str, purpose: Purpose, place: impl Fn() -> String) -> Result<Zeroizing<String>, TokenError> {
    if text.is_empty() {
        return Err(TokenError::Empty(place()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::NotAToken(place()));
    }
    let (service_account, connect) = (text.starts_with("ops_"), text.starts_with("eyJ"));
    match purpose {
        Purpose::ServiceAccount if connect => {
            Err(TokenError::Other(place(), "a Connect server's token; the source's kind is `connect` then"))
        }
        Purpose::Connect if service_account => {
            Err(TokenError::Other(place(), "a service account's token; the source's kind is `op` then"))
        }
        Purpose::ServiceAccount | Purpose::Connect | Purpose::Session => Ok(Zeroizing::new(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::{Path, PathBuf};

    use super::*;

    const CANARY: &str = "ops_eyJjYW5hcnkiOjF9";

    fn file(folder: &Path, text: &str, mode: u32) -> PathBuf {
        let file = folder.join("token");
        let _ = fs::remove_file(&file);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        file
    }

    fn from_file(file: &Path) -> Result<Zeroizing<String>, TokenError> {
        read_text(&TokenPlace::File(file.to_owned()), Purpose::ServiceAccount, &Environment::default())
    }

    #[test]
    fn a_private_file_gives_its_one_line() {
        let folder = tempfile::tempdir().unwrap();
        for (end, mode) in [("", 0o600), ("\n", 0o400), ("\r\n", 0o600)] {
            let file = file(folder.path(), &format!("{CANARY}{end}"), mode);
            assert_eq!(*from_file(&file).unwrap(), CANARY, "{end:?}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_or_change_gives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o640, 0o604, 0o644] {
            let error = from_file(&file(folder.path(), CANARY, mode)).unwrap_err();
            assert!(matches!(error, TokenError::File(ReadError::Readable { .. })), "{error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        let error = from_file(&file(folder.path(), CANARY, 0o622)).unwrap_err();
        assert!(matches!(error, TokenError::File(ReadError::Writable { .. })), "{error}");
    }

    #[test]
    fn a_link_is_followed_only_where_nobody_else_can_turn_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = file(folder.path(), CANARY, 0o600);
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        let link = open.join("link");
        symlink(&target, &link).unwrap();
        assert_eq!(*from_file(&link).unwrap(), CANARY);
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(from_file(&link), Err(TokenError::File(ReadError::Writable { .. }))));
    }

    #[test]
    fn what_is_no_token_says_what_is_wrong_and_quotes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "\n", "two\nlines", "a b", "ops_canary\n\n", "\u{feff}ops_canary", "eyJcanary"] {
            let error = from_file(&file(folder.path(), text, 0o600)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let missing = from_file(&folder.path().join("nothing")).unwrap_err();
        assert!(matches!(missing, TokenError::File(ReadError::Missing { .. })));
        let too_large = from_file(&file(folder.path(), &"x".repeat(20_000), 0o600)).unwrap_err();
        assert!(matches!(too_large, TokenError::File(ReadError::TooLarge { .. })));
    }

    #[test]
    fn a_variable_gives_its_value_as_it_is() {
        let environment = Environment::of_texts([("MINE", CANARY), ("LINE", "a\n")]);
        let read = |name: &str, purpose| read_text(&TokenPlace::Variable(name.to_owned()), purpose, &environment);
        assert_eq!(*read("MINE", Purpose::ServiceAccount).unwrap(), CANARY);
        assert!(matches!(read("MINE", Purpose::Connect), Err(TokenError::Other(..))));
        assert!(matches!(read("LINE", Purpose::Session), Err(TokenError::NotAToken(_))));
        assert!(matches!(read("NOT_SET", Purpose::Session), Err(TokenError::NotSet(_))));
    }
}
