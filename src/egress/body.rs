//! Bodies of answers, read piece by piece, decompressed, and bounded.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use reqwest::Response;

use super::decode::{Coding, Damaged, Decoder};
use super::error::NotSent;

/// A body, as far as it's kept.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    /// Whether there was more.
    pub(super) truncated: bool,
    /// Why there's none.
    pub(super) withheld: Option<Withheld>,
}

/// Why a body is withheld: values in it couldn't be found, so it isn't shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Withheld {
    /// It's in a coding that isn't understood, or in several.
    #[error(
        "the body is in a coding that opward doesn't read (see content-encoding), so that it can't look for values in it; \
         gzip, deflate and br are read"
    )]
    Coding,
    /// It isn't what its coding says.
    #[error("the body is compressed and damaged, so that opward can't look for values in it")]
    Damaged,
    /// It's a part of something.
    #[error("the answer is only a part of something, in which a value could be cut in two, so there's no body")]
    Part,
}

/// Codings that change nothing, and a charset that some servers take for one.
const NOTHING: [&str; 3] = ["identity", "utf-8", "utf8"];

/// How much more than it yields a compressed body may have: what yields nothing could go on for ever.
const SLACK: usize = 64 << 10;

/// Reads a body to its end, or to the most that's kept.
pub(super) async fn read(mut response: Response, most: usize) -> Result<Body, NotSent> {
    // Nobody asked for one: no caller's header says which part is wanted.
    if response.status() == StatusCode::PARTIAL_CONTENT || is_of_parts(response.headers()) {
        return Ok(Body::withheld(Withheld::Part));
    }
    let Some(coding) = coding(response.headers()) else { return Ok(Body::withheld(Withheld::Coding)) };
    let mut decoder = Decoder::new(coding, most);
    let mut taken = 0_usize;
    while let Some(piece) = response.chunk().await.map_err(|_| broken())? {
        taken = taken.saturating_add(piece.len());
        match decoder.take(&piece) {
            Err(Damaged) => return Ok(Body::withheld(Withheld::Damaged)),
            Ok(()) if decoder.is_full() || taken > most.saturating_add(SLACK) => {
                return Ok(Body { bytes: decoder.kept().into(), truncated: true, withheld: None });
            }
            Ok(()) => {}
        }
    }
    Ok(match decoder.end() {
        Ok(kept) => Body { bytes: kept.bytes.into(), truncated: kept.full, withheld: None },
        Err(Damaged) => Body::withheld(Withheld::Damaged),
    })
}

impl Body {
    fn withheld(why: Withheld) -> Self {
        Self { bytes: Bytes::new(), truncated: false, withheld: Some(why) }
    }
}

fn broken() -> NotSent {
    NotSent::unreachable(
        "the answer broke off, or wasn't HTTP; the request was received, and may have been carried out",
    )
}

/// The one coding of a body; none if it's unknown, or if there are several.
fn coding(headers: &HeaderMap) -> Option<Coding> {
    // What's transferred compressed would look as if it weren't.
    let transferred = words(headers, &TRANSFER_ENCODING)?;
    if transferred.iter().any(|word| word != "chunked") {
        return None;
    }
    let mut codings = words(headers, &CONTENT_ENCODING)?;
    codings.retain(|coding| !NOTHING.contains(&coding.as_str()));
    match codings.as_slice() {
        [] => Some(Coding::Identity),
        [one] => match one.as_str() {
            "gzip" | "x-gzip" => Some(Coding::Gzip),
            "deflate" => Some(Coding::Deflate),
            "br" => Some(Coding::Brotli),
            _ => None,
        },
        _ => None,
    }
}

fn is_of_parts(headers: &HeaderMap) -> bool {
    let of_parts = |kind: &[u8]| kind.trim_ascii().to_ascii_lowercase().starts_with(b"multipart/byteranges");
    headers.get_all(CONTENT_TYPE).iter().any(|kind| of_parts(kind.as_bytes()))
}

/// The words of all headers of a name; none if one isn't ASCII.
fn words(headers: &HeaderMap, name: &http::HeaderName) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for value in headers.get_all(name) {
        let each = value.to_str().ok()?.split(',').map(|word| word.trim().to_ascii_lowercase());
        words.extend(each.filter(|word| !word.is_empty()));
    }
    Some(words)
}
