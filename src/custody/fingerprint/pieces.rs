//! What of a value is looked for.
//!
//! A value of one line is looked for whole; of one longer than 256 bytes, the 256 in its middle. Of several lines,
//! like those of a key or a `.env` file, each word is looked for by itself, so that one line of a key is enough.
//!
//! What can't be told from ordinary text isn't looked for, or no text could be written any more, and whoever may store
//! a value could forbid others theirs: values of less than 8 bytes, and, however long, words, names, phrases, numbers,
//! dates, versions, host names, addresses without a password, e-mail addresses, regions and paths. That holds for a
//! password that's one as well: `correct horse battery staple`, `Summer2024`, `acme-staging` and a PIN aren't looked
//! for. `telling` says what is. What looks made by chance and is no secret, such as the id of a commit, is looked for
//! where it's stored as one.
//!
//! A value of less than 12 bytes has to stand alone, not within a longer word.

use super::key::WINDOW;
use super::telling::{SHORTEST, is_telling};

/// Shorter ones have to stand alone.
pub(super) const ALONE_BELOW: usize = 12;

/// Shorter ones can be guessed, so how often anybody may try is counted.
pub(super) const SHORT_BELOW: usize = 16;

/// Longer ones are looked for by their middle: what a search costs depends on it.
pub(super) const LONGEST: usize = 256;

/// The most words of one value.
const MOST: usize = 64;

/// A window has this many different bytes, or too many texts would hold it.
const DIFFERENT: usize = 4;

/// Something to look for.
#[derive(Clone, Copy)]
pub(super) struct Piece<'value> {
    pub(super) bytes: &'value [u8],
    /// Where the eight bytes begin that it's found by: in its middle, since many begin alike.
    pub(super) window_at: usize,
}

/// The pieces of a value.
pub(super) fn of(value: &[u8]) -> Vec<Piece<'_>> {
    let value = value.trim_ascii();
    if value.contains(&b'\n') {
        words(value).filter(|word| is_telling(word)).filter_map(Piece::new).take(MOST).collect()
    } else {
        let whole = is_telling(value).then_some(value);
        whole.into_iter().chain(seed(value)).filter_map(Piece::new).collect()
    }
}

impl<'value> Piece<'value> {
    fn new(text: &'value [u8]) -> Option<Self> {
        let start = text.len().saturating_sub(LONGEST) / 2;
        let bytes = text.get(start..start + text.len().min(LONGEST))?;
        let middle = bytes.len().checked_sub(WINDOW)? / 2;
        // From the middle outwards, the first that's not the same few bytes over and over.
        let nearest = (0..=middle + 1).flat_map(|off| [middle.checked_sub(off), middle.checked_add(off)]).flatten();
        let mut windows = nearest.filter_map(|at| Some((at, bytes.get(at..at + WINDOW)?)));
        let (window_at, _) = windows.find(|(_, window)| different(window) >= DIFFERENT)?;
        Some(Self { bytes, window_at })
    }
}

/// The seed in an address that authenticator programs take, `otpauth://totp/…?secret=SEED`.
fn seed(value: &[u8]) -> Option<&[u8]> {
    let rest = value.strip_prefix(b"otpauth://")?;
    let query = rest.iter().position(|byte| *byte == b'?').and_then(|at| rest.get(at + 1..))?;
    let seed = query.split(|byte| *byte == b'&').find_map(|part| part.strip_prefix(b"secret="))?;
    (seed.len() >= SHORTEST).then_some(seed)
}

/// The words of a text of several lines: without the name before `=` and without quotation marks.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.starts_with(b"-----"));
    words.map(|word| {
        let is_name = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let equals = word.iter().position(|byte| *byte == b'=').filter(|at| word.get(..*at).is_some_and(is_name));
        // In base64 there's one at the end alone.
        let after = equals.and_then(|at| word.get(at + 1..)).filter(|after| after.iter().any(|byte| *byte != b'='));
        let mut bare = after.unwrap_or(word);
        while let Some((b'"' | b'\'' | b',' | b';', rest)) = bare.split_first() {
            bare = rest;
        }
        while let Some((b'"' | b'\'' | b',' | b';', rest)) = bare.split_last() {
            bare = rest;
        }
        bare
    })
}

fn different(window: &[u8]) -> usize {
    window.iter().enumerate().filter(|(at, byte)| !window.get(..*at).unwrap_or_default().contains(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(value: &str) -> Vec<String> {
        of(value.as_bytes()).iter().map(|piece| String::from_utf8_lossy(piece.bytes).into_owned()).collect()
    }

    #[test]
    fn a_value_is_looked_for_whole_and_without_the_blanks_around_it() {
        assert_eq!(texts("tr0ub4dor&3"), ["tr0ub4dor&3"]);
        assert_eq!(texts("  x9 Lq2V y8-Tz7Km \n"), ["x9 Lq2V y8-Tz7Km"]);
        assert_eq!(texts("acme-uploads-staging"), [""; 0]);
        assert_eq!(texts("aaaaaaaaaaaaaaaaaaaa"), [""; 0]);
    }

    #[test]
    fn of_a_long_value_the_middle_is_looked_for() {
        let value = (0..100).map(|number| format!("n{:04x}", number * 40_503 % 65_536)).collect::<Vec<_>>().concat();
        let [piece] = &texts(&value)[..] else { panic!("one piece") };
        assert_eq!(piece.as_str(), value.get(122..378).unwrap());
    }

    #[test]
    fn of_several_lines_each_random_word_is_looked_for() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj==\n-----END PRIVATE KEY-----\n";
        assert_eq!(texts(key), ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj=="]);
        let env = "# of 2027-01-31T00:00:00Z\nexport KEY=\"s3cretS3crEt\"\nHOST=db1.internal.example.com:5432\nNODE_ENV=production\n\
            URL=postgres://app:s3cretS3crEt@db1:5432/app\nPLAIN=https://db1.example.com/v1\nHEX='0a1b2c3d4e5f'\n";
        assert_eq!(texts(env), ["s3cretS3crEt", "postgres://app:s3cretS3crEt@db1:5432/app", "0a1b2c3d4e5f"]);
    }

    #[test]
    fn a_seed_is_looked_for_within_its_address() {
        let value = "otpauth://totp/Ex:ann?secret=JBSWY3DPEHPK3PXP&issuer=Ex";
        assert_eq!(texts(value), [value, "JBSWY3DPEHPK3PXP"]);
    }

    #[test]
    fn a_piece_is_found_by_a_window_that_says_something() {
        let piece = Piece::new(b"s3cret--------------------------").unwrap();
        assert!(different(&piece.bytes[piece.window_at..piece.window_at + WINDOW]) >= DIFFERENT);
    }
}
