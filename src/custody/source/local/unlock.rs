//! What opens a vault, and the key files that do.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use keepass::DatabaseKey;
use zeroize::Zeroizing;

use super::error::LocalError;
use crate::custody::value::SecretValue;

const MAX_KEY_FILE_BYTES: u64 = 1024 * 1024;

/// What opens a vault.
#[derive(Debug)]
pub enum Unlock {
    /// A key file, of any kind `KeePass` knows. Its owner alone may read it.
    KeyFile(PathBuf),
    /// A password, as a person typed it.
    Password(SecretValue),
}

impl Unlock {
    /// Whether guessing is hopeless, so that slowing it down protects nothing.
    pub(super) fn is_random(&self) -> bool {
        matches!(self, Self::KeyFile(_))
    }

    /// What a person can do when the key is the wrong one.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::KeyFile(_) => "ask the owner to check that `key_file` in the configuration belongs to this vault",
            Self::Password(_) => "ask the owner to start opward again and type the vault's password",
        }
    }

    /// The key as the file's reader wants it. Its `Debug` prints the password, so it must never
    /// reach a log or an error.
    pub(super) fn key(&self) -> Result<DatabaseKey, LocalError> {
        match self {
            Self::KeyFile(file) => {
                let content = read_key_file(file)?;
                DatabaseKey::new()
                    .with_keyfile(&mut content.as_slice())
                    .map_err(|error| LocalError::reading(file, &error))
            }
            Self::Password(password) => match std::str::from_utf8(password.plaintext()) {
                Ok(text) if !text.is_empty() => Ok(DatabaseKey::new().with_password(text)),
                _ => Err(LocalError::Invalid("a vault's password is a text of at least one character")),
            },
        }
    }
}

fn read_key_file(file: &Path) -> Result<Zeroizing<Vec<u8>>, LocalError> {
    let unreadable = |error: &io::Error| {
        let remedy = if error.kind() == io::ErrorKind::NotFound {
            "ask the owner to put the vault's key file back, or to correct `key_file` in the configuration"
        } else {
            "ask the owner to let this user, and nobody else, read the key file"
        };
        LocalError::unavailable(file, &format!("the key file can't be read: {error}"), remedy)
    };
    let metadata = fs::metadata(file).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() || metadata.len() > MAX_KEY_FILE_BYTES {
        return Err(LocalError::unavailable(file, "this isn't a key file", "ask the owner to check `key_file`"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(LocalError::unavailable(
            file,
            "others than its owner can read the key file",
            "ask the owner to run `chmod 600` on the vault's key file",
        ));
    }
    let content = Zeroizing::new(fs::read(file).map_err(|error| unreadable(&error))?);
    if is_damaged(&content) {
        return Err(LocalError::unavailable(
            file,
            "the key file doesn't match its own checksum",
            "ask the owner to restore the vault's key file from a copy",
        ));
    }
    Ok(content)
}

/// Whether a file that says it's an XML key file of version 2 contradicts its checksum. The vault's
/// reader doesn't look at it, and would report a wrong key.
fn is_damaged(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let Some((_, after)) = text.split_once("Hash=\"") else { return false };
    let Some((hash, after)) = after.split_once("\">") else { return true };
    let Some((data, _)) = after.split_once("</Data>") else { return true };
    let data: Zeroizing<String> = Zeroizing::new(data.chars().filter(|c| !c.is_whitespace()).collect());
    let Some(key) = from_hex(&data) else { return true };
    !checksum(&key).eq_ignore_ascii_case(hash.trim())
}

/// Makes a `KeePass` XML key file of version 2.0 from 256 random bits. It never replaces a file.
///
/// # Errors
///
/// Whatever keeps the file from being made, among it a file that's already there.
pub(super) fn create_key_file(path: &Path) -> Result<(), LocalError> {
    let mut key = Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| {
        LocalError::unavailable(path, "the system gave no randomness", "ask the owner to run `opward doctor`")
    })?;
    let content = Zeroizing::new(render(key.as_slice()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            fs::remove_file(path)?;
        }
        written
    };
    write().map_err(|error| LocalError::writing(path, &error))?;
    sync_folder(path).map_err(|error| LocalError::writing(path, &error))
}

fn render(key: &[u8]) -> String {
    let mut data = Zeroizing::new(String::with_capacity(128));
    for (index, chunk) in key.chunks(4).enumerate() {
        data.push_str(if index % 4 == 0 { "\n            " } else { " " });
        push_hex(&mut data, chunk);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<KeyFile>\n    <Meta>\n        <Version>2.0</Version>\n    </Meta>\n    \
         <Key>\n        <Data Hash=\"{}\">{}\n        </Data>\n    </Key>\n</KeyFile>\n",
        checksum(key),
        &*data
    )
}

/// The first four bytes of the key's SHA-256, as the format wants it.
fn checksum(key: &[u8]) -> String {
    let hash = digest(&SHA256, key);
    let mut text = String::with_capacity(8);
    hash.as_ref().get(..4).into_iter().for_each(|head| push_hex(&mut text, head));
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
        }
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = Zeroizing::new(digits?);
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| Zeroizing::new(pairs.iter().map(|[high, low]| (high << 4) | low).collect()))
}

/// Makes what was just named in a file's folder survive the machine.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_file_is_private_random_and_never_replaces_one() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.keyx"), folder.path().join("two.keyx"));
        create_key_file(&one).unwrap();
        create_key_file(&two).unwrap();
        let content = fs::read(&one).unwrap();
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(content, fs::read(&two).unwrap());
        assert!(!is_damaged(&content));
        assert!(create_key_file(&one).is_err());
        assert_eq!(fs::read(&one).unwrap(), content);
    }

    #[test]
    fn a_changed_digit_in_a_key_file_is_noticed() {
        let text = render(&[0xab; 32]);
        assert!(!is_damaged(text.as_bytes()));
        assert!(is_damaged(text.replacen("ABAB", "ABAC", 1).as_bytes()));
        assert!(is_damaged(text.replacen("</Data>", "", 1).as_bytes()));
        assert!(!is_damaged(b"any other file is a key too"));
    }

    #[test]
    fn a_key_file_others_can_read_is_refused_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("open.keyx");
        create_key_file(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let refusal = Unlock::KeyFile(file).key().unwrap_err();
        assert!(matches!(refusal, LocalError::Unavailable { remedy, .. } if remedy.contains("chmod 600")));
    }
}
