//! One-time codes from their seeds.

use jiff::Timestamp;
use totp_rs::Totp;
use zeroize::Zeroizing;

use super::value::SecretValue;

/// The fewest characters of a bare seed: 80 bits, which is what services give at least.
const SHORTEST_BARE_SEED: usize = 16;

/// The code of an `otpauth://totp/…` URL, or of a bare seed in base32, at a time; `None` if the text
/// is neither.
pub(super) fn code(seed: &[u8], now: Timestamp) -> Option<SecretValue> {
    let text = std::str::from_utf8(seed).ok()?.trim();
    let url = bare_seed(text).unwrap_or_else(|| Zeroizing::new(text.to_owned()));
    // Seeds shorter than the RFC wants are common in the field, so they're accepted.
    let totp = Totp::from_url_unchecked(url.as_str()).ok()?;
    can_count(&totp)?;
    let seconds = u64::try_from(now.as_second()).ok()?;
    Some(SecretValue::new(totp.generate(seconds).to_string()))
}

/// The URL of a seed that stands by itself, as 1Password keeps those that were typed in: in groups, in
/// either case.
fn bare_seed(text: &str) -> Option<Zeroizing<String>> {
    let is_base32 = |c: char| c.is_ascii_alphabetic() || ('2'..='7').contains(&c);
    let seed: Zeroizing<String> = Zeroizing::new(
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '=')).map(|c| c.to_ascii_uppercase()).collect(),
    );
    let is_seed = seed.len() >= SHORTEST_BARE_SEED && seed.chars().all(is_base32);
    is_seed.then(|| Zeroizing::new(format!("otpauth://totp/seed?secret={}", seed.as_str())))
}

/// The library divides by the period and raises ten to the digits, whatever the URL says they are;
/// its own rendering of the URL is where they can be seen.
fn can_count(totp: &Totp) -> Option<()> {
    let url = Zeroizing::new(totp.to_url().ok()?);
    let (_, query) = url.split_once('?')?;
    let number = |wanted: &str, default: u64| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == wanted).map_or(Some(default), |(_, value)| value.parse::<u64>().ok())
    };
    let sound = (6..=8).contains(&number("digits", 6)?) && number("period", 30)? > 0;
    sound.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "otpauth://totp/Example:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";

    #[test]
    fn gives_the_codes_of_rfc_6238() {
        // The RFC's SHA-1 seed is the ASCII text 12345678901234567890.
        let url = format!("{SEED}&digits=8&algorithm=SHA1&period=30");
        for (second, expected) in [(59, "94287082"), (1_111_111_109, "07081804"), (2_000_000_000, "69279037")] {
            let code = code(url.as_bytes(), Timestamp::from_second(second).unwrap()).unwrap();
            assert_eq!(code.plaintext(), expected.as_bytes());
        }
        assert!(code(b"not a seed", Timestamp::UNIX_EPOCH).is_none());
    }

    #[test]
    fn takes_a_bare_seed_for_the_usual_six_digits_in_thirty_seconds() {
        let at = Timestamp::from_second(59).unwrap();
        for seed in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQ-GEZDGNBVGY3TQOJQ=",
        ] {
            assert_eq!(code(seed.as_bytes(), at).unwrap().plaintext(), b"287082", "{seed}");
        }
        assert!(code(b"a passphrase, not a seed", at).is_none() && code(b"GEZDGNBV", at).is_none());
    }

    #[test]
    fn refuses_seeds_nothing_can_be_counted_from() {
        for query in ["&digits=77", "&d%69gits=12", "&period=0", "&digits=0"] {
            assert!(code(format!("{SEED}{query}").as_bytes(), Timestamp::UNIX_EPOCH).is_none(), "{query}");
        }
    }
}
