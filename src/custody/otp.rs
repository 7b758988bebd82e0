//! One-time codes from their seeds.

use jiff::Timestamp;
use totp_rs::Totp;
use zeroize::Zeroizing;

use super::value::SecretValue;

/// The code of an `otpauth://totp/…` URL at a time; `None` if the text isn't one.
pub(super) fn code(seed: &[u8], now: Timestamp) -> Option<SecretValue> {
    // Seeds shorter than the RFC wants are common in the field, so they're accepted.
    let totp = Totp::from_url_unchecked(std::str::from_utf8(seed).ok()?.trim()).ok()?;
    can_count(&totp)?;
    let seconds = u64::try_from(now.as_second()).ok()?;
    Some(SecretValue::new(totp.generate(seconds).to_string()))
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
    fn refuses_seeds_nothing_can_be_counted_from() {
        for query in ["&digits=77", "&d%69gits=12", "&period=0", "&digits=0"] {
            assert!(code(format!("{SEED}{query}").as_bytes(), Timestamp::UNIX_EPOCH).is_none(), "{query}");
        }
    }
}
