//! One-time codes, as RFC 6238 has them.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use crate::clock;

/// The code of this moment for an `otpauth://` address or a bare secret.
pub(crate) fn code(seed: &str) -> Option<String> {
    let parameter = |name: &str| {
        let query = seed.split_once('?')?.1;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let secret = if seed.starts_with("otpauth://") { parameter("secret")? } else { seed };
    let period = parameter("period").and_then(|text| text.parse().ok()).unwrap_or(30_u64);
    let digits = parameter("digits").and_then(|text| text.parse().ok()).unwrap_or(6_u32);
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret)?);
    let counter = clock::unix_seconds().checked_div(period)?;
    let tag = sign(&key, &counter.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last()? & 0xf);
    let word: [u8; 4] = bytes.get(offset..offset + 4)?.try_into().ok()?;
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % 10_u32.checked_pow(digits)?;
    Some(format!("{number:0width$}", width = usize::try_from(digits).ok()?))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.bytes().filter(|byte| !b" -=".contains(byte)) {
        let value = match letter.to_ascii_uppercase() {
            upper @ b'A'..=b'Z' => upper - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}
