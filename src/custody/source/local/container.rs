//! The outside of a KDBX file: what can be checked before any key is used.
//!
//! The reader behind it trusts the parts of the header that nothing authenticates yet, so a flipped
//! byte could make it allocate without end or panic, and it takes a file that ends after any whole
//! block for complete. Everything here is about refusing such a file first.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use super::error::LocalError;

/// The most bytes a vault file may have.
pub(super) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

const MAX_KDF_MEMORY: u64 = 1024 * 1024 * 1024;
const MAX_KDF_PASSES: u64 = 10_000;
const MAX_KDF_LANES: u64 = 64;
const MAX_AES_ROUNDS: u64 = 1_000_000_000;

const SHORT: &str = "the file ends too early";
const ABSURD: &str = "its key derivation asks for more memory or time than any vault needs";

/// The formats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// KDBX 4: read and written.
    Kdbx4,
    /// KDBX 3 or the KDB of `KeePass` 1: read only.
    Older,
}

/// Says which format a file has, if its outside is whole.
pub(super) fn inspect(file: &Path, bytes: &[u8]) -> Result<Format, LocalError> {
    let mut rest = Cursor(bytes);
    if rest.take(4) != Some(&[0x03, 0xd9, 0xa2, 0x9a]) {
        return Err(not_a_vault(file));
    }
    let family = rest.number(4).ok_or_else(|| not_a_vault(file))?;
    let _minor = rest.number(2).ok_or_else(|| not_a_vault(file))?;
    let major = rest.number(2).ok_or_else(|| not_a_vault(file))?;
    let damaged = |what| LocalError::damaged(file, what);
    match (family, major) {
        (0xb54b_fb67, 4) => whole(bytes).map(|()| Format::Kdbx4).map_err(damaged),
        (0xb54b_fb67, 3) => kdbx3(rest).map(|()| Format::Older).map_err(damaged),
        (0xb54b_fb65, _) => kdb(bytes).map(|()| Format::Older).map_err(damaged),
        _ => Err(LocalError::unavailable(
            file,
            "a KDBX file of a version that isn't known",
            "ask the owner to save it as KDBX 4, with KeePassXC for example",
        )),
    }
}

fn not_a_vault(file: &Path) -> LocalError {
    LocalError::unavailable(file, "this isn't a KDBX file", "ask the owner to check `file` in the configuration")
}

/// Walks a KDBX 4 file from its first byte to its last.
fn whole(bytes: &[u8]) -> Result<(), &'static str> {
    let mut rest = Cursor(bytes.get(12..).ok_or(SHORT)?);
    loop {
        let kind = rest.number(1).ok_or(SHORT)?;
        let length = rest.number(4).ok_or(SHORT)?;
        let content = rest.take(length).ok_or(SHORT)?;
        match (kind, content.len()) {
            (0, _) => break,
            (2, 16) | (3, 4) | (4, 32) | (7, 12 | 16) | (1 | 12, _) => {}
            (11, _) => affordable(content)?,
            _ => return Err("the header is damaged"),
        }
    }
    let header = bytes.len() - rest.0.len();
    let header = bytes.get(..header).ok_or(SHORT)?;
    if rest.take(32).ok_or(SHORT)? != digest(&SHA256, header).as_ref() {
        return Err("the header is damaged");
    }
    let _authentication = rest.take(32).ok_or(SHORT)?;
    loop {
        let _authentication = rest.take(32).ok_or(SHORT)?;
        let length = rest.number(4).ok_or(SHORT)?;
        let _block = rest.take(length).ok_or(SHORT)?;
        if length == 0 {
            break;
        }
    }
    if rest.0.is_empty() { Ok(()) } else { Err("the file goes on after its end") }
}

/// Looks at the header of a KDBX 3 file. What follows it is checked when it's decrypted.
fn kdbx3(mut rest: Cursor<'_>) -> Result<(), &'static str> {
    loop {
        let kind = rest.number(1).ok_or(SHORT)?;
        let length = rest.number(2).ok_or(SHORT)?;
        let content = rest.take(length).ok_or(SHORT)?;
        match (kind, content.len()) {
            (0, _) => return Ok(()),
            (6, 8) if Cursor(content).number(8).is_none_or(|rounds| rounds > MAX_AES_ROUNDS) => return Err(ABSURD),
            (2, 16) | (3 | 10, 4) | (4 | 5 | 8 | 9, 32) | (6, 8) | (7, 12 | 16) | (1, _) => {}
            _ => return Err("the header is damaged"),
        }
    }
}

/// Looks at the header of a KDB file: its last four bytes are the rounds of its key derivation.
fn kdb(bytes: &[u8]) -> Result<(), &'static str> {
    let rounds = bytes.get(120..124).and_then(|rounds| Cursor(rounds).number(4)).ok_or(SHORT)?;
    if rounds > MAX_AES_ROUNDS { Err(ABSURD) } else { Ok(()) }
}

/// Checks that deriving the key asks for a sane amount of work. Nothing vouches for these numbers
/// before the work is done.
fn affordable(dictionary: &[u8]) -> Result<(), &'static str> {
    const DAMAGED: &str = "the header's key derivation parameters are damaged";
    let mut rest = Cursor(dictionary);
    let _version = rest.number(2).ok_or(DAMAGED)?;
    loop {
        let kind = rest.number(1).ok_or(DAMAGED)?;
        if kind == 0 {
            break;
        }
        let length = rest.number(4).ok_or(DAMAGED)?;
        let key = rest.take(length).ok_or(DAMAGED)?;
        let length = rest.number(4).ok_or(DAMAGED)?;
        let content = rest.take(length).ok_or(DAMAGED)?;
        let expected = match kind {
            0x04 | 0x0c => Some(4),
            0x05 | 0x0d => Some(8),
            0x08 => Some(1),
            _ => None,
        };
        if expected.is_some_and(|expected| expected != content.len()) {
            return Err(DAMAGED);
        }
        let limit = match key {
            b"M" => MAX_KDF_MEMORY,
            b"I" => MAX_KDF_PASSES,
            b"P" => MAX_KDF_LANES,
            b"R" => MAX_AES_ROUNDS,
            _ => continue,
        };
        if Cursor(content).number(content.len()).is_none_or(|number| number > limit) {
            return Err(ABSURD);
        }
    }
    Ok(())
}

/// What's left to be read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: impl TryInto<usize>) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length.try_into().ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// A little-endian number of up to eight bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        (bytes <= 8).then(|| taken.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}
