//! A token's three parts.

use zeroize::Zeroizing;

use super::base64url;
use crate::identity::rejection::Why;

/// A token in its compact form (RFC 7515, 3.1), decoded and not yet believed.
pub(super) struct Compact<'t> {
    /// What's signed: the first two parts as they stand.
    pub(super) signed: &'t str,
    pub(super) header: Zeroizing<Vec<u8>>,
    pub(super) payload: Zeroizing<Vec<u8>>,
    pub(super) signature: Zeroizing<Vec<u8>>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart. Each token has one text: no padding, no other alphabet, nothing around it.
    pub(super) fn parse(token: &'t str) -> Result<Self, Why> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Why::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Why::Malformed)?;
        if payload.contains('.') {
            return Err(Why::Malformed);
        }
        let decode = |part| base64url::decode(part).ok_or(Why::Encoding);
        Ok(Self { signed, header: decode(header)?, payload: decode(payload)?, signature: decode(signature)? })
    }
}
