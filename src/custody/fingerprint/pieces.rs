//! What of a value is looked for.
//!
//! A value of one line is looked for whole; of one longer than 256 bytes, the 256 in its middle. Of several lines,
//! like those of a key or a `.env` file, each word that looks made by chance is looked for by itself, so that one
//! line of a key is enough.
//!
//! What can't be told from ordinary text isn't looked for, or no text could be written any more: values of less
//! than 8 bytes, and shorter than 16 those that are one word, a name, a number or a date. One of less than 12
//! bytes has to stand alone, not within a longer word.

use super::key::WINDOW;

/// Shorter ones are never looked for.
const SHORTEST: usize = 8;

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
        words(value).filter(|word| is_random(word)).filter_map(Piece::new).take(MOST).collect()
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

/// Whether a value can be told from ordinary text.
fn is_telling(value: &[u8]) -> bool {
    if value.len() < SHORTEST {
        return false;
    }
    if value.len() >= SHORT_BELOW {
        return true;
    }
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let letters = has(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let inner_capital = has(u8::is_ascii_lowercase)
        && value
            .iter()
            .zip(value.iter().skip(1))
            .any(|(one, next)| one.is_ascii_lowercase() && next.is_ascii_uppercase());
    let symbol = has(|byte| byte.is_ascii_punctuation() && !b"-_./:,@".contains(byte));
    letters && (has(u8::is_ascii_digit) || inner_capital || symbol)
}

/// Whether a word looks made by chance: unlike host names, dates, addresses and what else stands in notes.
fn is_random(word: &[u8]) -> bool {
    let count = |class: fn(&u8) -> bool| word.iter().filter(|byte| class(byte)).count();
    let (lower, upper, digits) =
        (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase), count(u8::is_ascii_digit));
    let is_address = word.windows(3).any(|part| part == b"://");
    if is_address {
        // With a password before the host.
        return word.contains(&b'@') && is_telling(word);
    }
    let mixed = lower > 1 && upper > 1 && digits > 0;
    let is_plain = !word.iter().any(|byte| b".:/@-".contains(byte));
    word.len() >= SHORTEST && (mixed || (is_plain && lower + upper > 3 && digits > 3 && word.len() >= ALONE_BELOW))
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
    fn what_is_ordinary_text_is_not_looked_for() {
        for plain in [
            "",
            "hunter2",
            "password",
            "production",
            "Production",
            "PRODUCTION",
            "12345678",
            "2027-01-31",
            "aaaaaaaa",
            "aaaaaaaaaaaaaaaaaaaa",
            "db-staging",
            "abababababababababab",
            "eu-west",
            "my.host.name",
        ] {
            assert_eq!(texts(plain), [""; 0], "{plain}");
        }
    }

    #[test]
    fn what_can_be_told_from_ordinary_text_is_looked_for_whole() {
        for value in [
            "hunter2-hunter2",
            "Passw0rd",
            "tr0ub4dor&3",
            "hunter2!",
            "correct horse battery staple",
            " x9 y8 z7 ".trim(),
        ] {
            assert_eq!(texts(value), [value.to_owned()], "{value}");
        }
        assert_eq!(texts("  hunter2hunter2\n"), ["hunter2hunter2"]);
    }

    #[test]
    fn of_a_long_value_the_middle_is_looked_for() {
        let value = (0..100).map(|number| format!("n{number:04}")).collect::<Vec<_>>().concat();
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
