//! Ids as 1Password shapes them, from the UUIDs of a KDBX file.

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Writes 128 bits as 26 lower-case base32 characters; the last one carries three bits.
pub(super) fn from_uuid(uuid: Uuid) -> String {
    write(u128::from_be_bytes(*uuid.as_bytes()))
}

/// Reads what [`from_uuid`] wrote; `None` for anything else.
pub(super) fn to_uuid(id: &str) -> Option<Uuid> {
    if id.len() != 26 {
        return None;
    }
    let (head, last) = id.as_bytes().split_at_checked(25)?;
    let bits = head.iter().try_fold(0_u128, |bits, character| Some((bits << 5) | u128::from(digit(*character)?)))?;
    let last = digit(*last.first()?)?;
    last.is_multiple_of(4).then(|| Uuid::from_u128((bits << 3) | u128::from(last >> 2)))
}

/// An id for a name that can't be one itself: the same name always gets the same id.
pub(super) fn of_name(name: &str) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    write(hash.as_ref().iter().take(16).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte)))
}

fn write(bits: u128) -> String {
    let character = |value: u128| usize::try_from(value & 31).ok().and_then(|at| ALPHABET.get(at)).copied();
    let head = (0..25).rev().filter_map(|place| character(bits >> (place * 5 + 3)));
    head.chain(character((bits & 7) << 2)).map(char::from).collect()
}

fn digit(character: u8) -> Option<u8> {
    ALPHABET.iter().zip(0_u8..).find_map(|(letter, value)| (*letter == character).then_some(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_has_the_shape_of_1password_and_gives_its_uuid_back(bits in any::<u128>()) {
            let uuid = Uuid::from_u128(bits);
            let id = from_uuid(uuid);
            prop_assert!(id.len() == 26 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
            prop_assert_eq!(to_uuid(&id), Some(uuid));
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            if let Some(uuid) = to_uuid(&text) {
                prop_assert_eq!(from_uuid(uuid), text);
            }
        }
    }

    #[test]
    fn what_is_not_an_id_has_no_uuid() {
        for bad in ["", "a", "aaaaaaaaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaa1", "Aaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(to_uuid(bad), None, "{bad}");
        }
        assert_eq!(of_name("a\u{200b}").len(), 26);
        assert_ne!(of_name("a\u{200b}"), of_name("a\u{200c}"));
    }
}
