//! Base64url in its one canonical form: no padding, no stray bits at the end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Decodes a text, if it's what encoding would give.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn only_what_encoding_gives_is_decoded(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Some(bytes) = decode(&text) {
                proptest::prop_assert_eq!(URL_SAFE_NO_PAD.encode(&*bytes), text);
            }
        }
    }

    #[test]
    fn of_all_last_characters_one_is_right() {
        let right = |last: &char| decode(&format!("AAA{last}A{last}")).is_some();
        assert_eq!("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(right).count(), 4);
        assert!(decode("AA").is_some() && decode("AB").is_none() && decode("AA==").is_none() && decode("A").is_none());
    }
}
