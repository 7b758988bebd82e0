//! Whether a value can be told from ordinary text.
//!
//! It can if it looks made by chance, or has the character of a password that somebody thought of: letters, digits and
//! a rare symbol together, or digits in the place of letters. So can an address with a password in it, a phrase of
//! [`PHRASE`] random words or more, the words that a wallet is recovered from, and the number of a card.

use std::net::IpAddr;

use diceware_wordlists::EFF_LONG_WORDLIST;

use super::chance;

/// Shorter ones are never looked for.
pub(super) const SHORTEST: usize = 8;

/// Of fewer words a phrase reads like any text. Our own have as many at least.
const PHRASE: usize = 6;

/// Passwords that somebody thought of aren't longer.
const LONGEST_PASSWORD: usize = 64;

/// Symbols that names, numbers and addresses have no use for.
const RARE: &[u8] = b"!#$^&~*?";

/// What stands in code, patterns and addresses.
const CODE: &[u8] = b"/=\\|;:(){}[]<>\"'`,";

/// What a password seldom begins with, and code and paths do.
const BEGINS_CODE: &[u8] = b"^([{<$~/%.\"'`";

/// Whether a value, or a word of one, can be told from ordinary text.
pub(super) fn is_telling(value: &[u8]) -> bool {
    if value.len() < SHORTEST || is_number_of_a_network(value) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(value) else { return true };
    has_password(text)
        || is_phrase(text)
        || recovers_a_wallet(text)
        || is_card(value)
        || is_thought_of(value)
        || chance::explains(value)
}

/// An address of the internet or of a network's card: nobody's secret, and half of its digits look like chance.
fn is_number_of_a_network(value: &[u8]) -> bool {
    let is_card = value.len() == 17
        && value
            .split(|byte| matches!(byte, b':' | b'-'))
            .all(|two| two.len() == 2 && two.iter().all(u8::is_ascii_hexdigit));
    let host = std::str::from_utf8(value).unwrap_or_default();
    let host = host.rsplit_once('/').map_or(host, |(network, _)| network);
    let host = host.strip_prefix('[').map_or(host, |rest| rest.split_once(']').map_or(rest, |(host, _)| host));
    is_card || host.parse::<IpAddr>().is_ok()
}

/// Whether it's an address with a password before its host, or the parameters of a connection with one.
fn has_password(text: &str) -> bool {
    let is_set = |password: &str| !password.is_empty() && !password.starts_with(['<', '{', '$', '*', '%']);
    let before_host = || {
        let (_, rest) = text.split_once("://")?;
        let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
        let (user, password) = user.split_once(':')?;
        Some(user != password && is_set(password))
    };
    let as_parameter = || {
        let (_, password) = text
            .split([';', '&', '?'])
            .skip(1)
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| ["password", "pwd"].iter().any(|word| name.trim().eq_ignore_ascii_case(word)))?;
        Some(is_set(password))
    };
    before_host().unwrap_or(false) || as_parameter().unwrap_or(false)
}

/// Whether it's random words, joined by one kind of separator.
fn is_phrase(text: &str) -> bool {
    ['-', ' ', '_', '.'].into_iter().any(|joint| random_words(text, joint).is_some_and(|words| words >= PHRASE))
}

/// How many random words these are; `None` if one of them is none.
fn random_words(text: &str, joint: char) -> Option<usize> {
    let (mut rest, mut count) = (text, 0);
    while !rest.is_empty() {
        // Some words of the list are joined themselves.
        let mut ends = rest.match_indices(joint).map(|(at, _)| at).chain([rest.len()]).take(2);
        let end = ends.find(|end| rest.get(..*end).is_some_and(is_random_word))?;
        rest = rest.get(end + 1..).unwrap_or_default();
        count += 1;
    }
    Some(count)
}

fn is_random_word(word: &str) -> bool {
    // Some generators put a digit behind one.
    let word = word.trim_end_matches(|char: char| char.is_ascii_digit());
    let lower = || word.bytes().map(|byte| byte.to_ascii_lowercase());
    EFF_LONG_WORDLIST.binary_search_by(|known| known.bytes().cmp(lower())).is_ok()
}

/// Whether it's as many short words as wallets are recovered from, without any that sentences are held together by.
fn recovers_a_wallet(text: &str) -> bool {
    const HOLDING: [&str; 10] = ["the", "and", "for", "with", "from", "but", "not", "are", "was", "has"];
    let is_word = |word: &str| {
        (3..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !HOLDING.contains(&word)
    };
    matches!(text.split(' ').count(), 12 | 15 | 18 | 21 | 24) && text.split(' ').all(is_word)
}

/// Whether it's the number of a card that's paid with: by its beginning, its length and its check digit.
fn is_card(value: &[u8]) -> bool {
    let digits = || value.iter().filter(|byte| !matches!(byte, b' ' | b'-'));
    let length = digits().count();
    if !digits().all(u8::is_ascii_digit) || !(14..=19).contains(&length) || !matches!(value.first(), Some(b'3'..=b'6'))
    {
        return false;
    }
    let checked = digits().rev().enumerate().map(|(at, byte)| match (u32::from(byte - b'0'), at % 2) {
        (digit, 0) => digit,
        (digit, _) if digit > 4 => digit * 2 - 9,
        (digit, _) => digit * 2,
    });
    checked.sum::<u32>() % 10 == 0
}

/// Whether it has the character of a password that somebody thought of.
fn is_thought_of(value: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    if value.len() > LONGEST_PASSWORD || has(u8::is_ascii_whitespace) || value.windows(3).any(|part| part == b"://") {
        return false;
    }
    let (lower, upper) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let Some((first, rest)) = value.split_first() else { return false };
    let is_rare = rest.iter().any(|byte| RARE.contains(byte)) && !BEGINS_CODE.contains(first) && !is_numbered(rest);
    let is_code = || value.iter().any(|byte| CODE.contains(byte));
    has_digits_for_letters(value)
        || (is_rare && has(u8::is_ascii_digit) && (lower || upper) && (lower == upper || !is_code()))
}

/// Whether it ends in `#` and a number, like a ticket or a chapter.
fn is_numbered(value: &[u8]) -> bool {
    let after = value.iter().rposition(|byte| *byte == b'#').and_then(|at| value.get(at + 1..));
    after.is_some_and(|after| after.iter().all(u8::is_ascii_digit))
}

/// Whether digits stand in the place of letters: a zero, or two others.
fn has_digits_for_letters(value: &[u8]) -> bool {
    let words = value.split(|byte| !byte.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.iter().all(u8::is_ascii_hexdigit));
    let mut others = 0;
    for word in words {
        let between = word.windows(3).filter_map(|three| match three {
            [before, digit, after] if before.is_ascii_alphabetic() && after.is_ascii_alphabetic() => Some(digit),
            _ => None,
        });
        for digit in between.filter(|digit| digit.is_ascii_digit()) {
            if *digit == b'0' && word.len() > 3 {
                return true;
            }
            others += usize::from(word.len() > 4);
        }
    }
    others > 1
}

#[cfg(test)]
mod tests;
