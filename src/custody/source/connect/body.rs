//! Bodies of answers, taken piece by piece into memory that's wiped.

use reqwest::Response;
use zeroize::Zeroizing;

/// The most bytes of a list of items or vaults.
pub(super) const LIST: usize = 16 << 20;

/// The most bytes of one item.
pub(super) const ITEM: usize = 4 << 20;

/// The most bytes of anything without values: an error, a health report.
pub(super) const NOTE: usize = 64 << 10;

/// The first allocation where the server didn't say how long its answer is.
const FIRST: usize = 16 << 10;

/// Why a body couldn't be had.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It's longer than allowed. The rest was left unread.
    TooLong,
    /// The connection failed.
    Broken(reqwest::Error),
}

/// Reads a body to its end.
pub(super) async fn read(mut response: Response, most: usize) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    let announced = response.content_length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > most) {
        return Err(BodyError::TooLong);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(FIRST)));
    while let Some(piece) = response.chunk().await.map_err(BodyError::Broken)? {
        if piece.len() > most - body.len() {
            return Err(BodyError::TooLong);
        }
        append(&mut body, &piece);
    }
    Ok(body)
}

/// Adds to a buffer. A vector that grows on its own leaves its contents behind where it was.
fn append(body: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    let needed = body.len() + piece.len();
    if needed > body.capacity() {
        let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(body.capacity() * 2)));
        grown.extend_from_slice(body);
        // The old buffer is wiped as it goes.
        *body = grown;
    }
    body.extend_from_slice(piece);
}
