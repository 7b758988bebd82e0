//! The key of the prints, and what's computed with it.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroize as _;

use super::pieces::LONGEST;
use super::prints::{MAC_BYTES, Mac};
use crate::memory::LockedKey;

/// How many bytes of a piece it's found by.
pub(super) const WINDOW: usize = 8;

/// Tells this use of the process's key from its use for seals.
const LABEL: &[u8] = b"opward fingerprints 1";

/// What prints are made with: drawn from the key of the process, which stays in its locked page.
#[derive(Clone)]
pub struct PrintKey(Arc<LockedKey>);

const TAG_BYTES: usize = 16;

/// Tells the cipher's key from the MACs'.
const CIPHER: &[u8] = b"cipher";

/// The key for the length of one search.
pub(super) struct OpenedKey {
    add: u64,
    times: u64,
    for_macs: [u8; 16],
    macs: OnceCell<Option<Macs>>,
}

/// What computes MACs.
struct Macs {
    cipher: LessSafeKey,
    key: hmac::Key,
}

impl PrintKey {
    /// A key that belongs to this process's.
    #[must_use]
    pub fn new(key: Arc<LockedKey>) -> Self {
        Self(key)
    }

    pub(super) fn open(&self) -> OpenedKey {
        let own = self.0.with(|key| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), LABEL));
        let own = own.as_ref();
        let word = |at: usize| own.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        let for_macs = own.get(16..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        // Multiplying by a random odd number spreads evenly: two windows share their upper half as rarely as chance
        // has it, whoever chose them.
        let (add, times) = (u64::from_le_bytes(word(0)), u64::from_le_bytes(word(8)) | 1);
        OpenedKey { add, times, for_macs, macs: OnceCell::new() }
    }
}

impl OpenedKey {
    /// What a piece is found by. It's half as wide as the window, so it can't be turned back into it.
    pub(super) fn tag(&self, window: [u8; WINDOW]) -> u32 {
        let mixed = u64::from_le_bytes(window).wrapping_add(self.add).wrapping_mul(self.times);
        u32::try_from(mixed >> 32).unwrap_or_default()
    }

    /// What makes sure that it's this piece; `None` if it can't be computed.
    ///
    /// What computes a MAC keeps the last bytes it was given in its state, and that's moved about on the stack. So it's
    /// given the piece enciphered: the cipher leaves nothing behind.
    pub(super) fn mac(&self, piece: &[u8]) -> Option<Mac> {
        let Macs { cipher, key } = self.macs.get_or_init(|| Macs::new(&self.for_macs)).as_ref()?;
        let (mut enciphered, mut tag) = ([0; LONGEST], [0; TAG_BYTES]);
        let enciphered = enciphered.get_mut(..piece.len())?;
        // The same for the same piece, and hardly ever for another one.
        let ends = [piece.first_chunk(), piece.last_chunk()].map(|end| end.map_or(0, |end| self.tag(*end)));
        let mut nonce = [0; NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(ends.iter().flat_map(|end| end.to_le_bytes())) {
            *to = from;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher.seal_out_of_place_scatter(nonce, Aad::empty(), piece, enciphered, &[], &mut tag).ok()?;
        let whole = hmac::sign(key, enciphered);
        whole.as_ref().first_chunk::<MAC_BYTES>().copied().map(Mac)
    }
}

impl Macs {
    fn new(own: &[u8]) -> Option<Self> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, own);
        let cipher = UnboundKey::new(&CHACHA20_POLY1305, hmac::sign(&key, CIPHER).as_ref()).ok()?;
        Some(Self { cipher: LessSafeKey::new(cipher), key })
    }
}

impl Drop for OpenedKey {
    fn drop(&mut self) {
        self.add.zeroize();
        self.times.zeroize();
        self.for_macs.zeroize();
    }
}

impl fmt::Debug for PrintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrintKey")
    }
}
