//! Values encrypted in memory, under a key that stays in its locked page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroize;

use super::value::SecretValue;
use crate::memory::{LockedKey, Protection};
use crate::model::Place;

const TAG_BYTES: usize = 16;

/// Seals values and opens them again.
///
/// The cipher's state is made for each call from the locked page, and the cipher's library wipes it
/// when it's freed, before the call returns. To keep it ready would be a copy of the key in ordinary
/// memory for as long as the process lives: for AES the expanded key, which begins with the plain
/// one, for `ChaCha20` the key itself. Made anew, both take a third of a microsecond for a value of 64
/// bytes; `ChaCha20-Poly1305` does so without expanding the key and on processors without AES as well.
#[derive(Debug)]
pub struct Sealer {
    key: Arc<LockedKey>,
    /// How many values were sealed. The key is drawn anew for each process and nothing else is sealed with it, so
    /// a counter never gives a nonce twice, and 2⁶⁴ values don't come to pass.
    sealed: AtomicU64,
}

/// A value that only its [`Sealer`] opens, and only for the place it was sealed for.
#[derive(Debug)]
pub struct Sealed {
    nonce: u64,
    tag: [u8; TAG_BYTES],
    ciphertext: Box<[u8]>,
}

/// A value didn't come out of its seal, or didn't go in: memory was damaged, or a value was put
/// where another one belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value doesn't open")]
pub struct BrokenSeal(());

impl Sealer {
    /// A sealer with a key that seals nothing else.
    #[must_use]
    pub fn new(key: impl Into<Arc<LockedKey>>) -> Self {
        Self { key: key.into(), sealed: AtomicU64::new(0) }
    }

    /// How well the key is kept from being seen.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.key.protection()
    }

    /// Seals a value for one place.
    pub fn seal(&self, value: &SecretValue, place: &Place) -> Result<Sealed, BrokenSeal> {
        let plaintext = value.plaintext();
        let nonce = self.sealed.fetch_add(1, Ordering::Relaxed);
        let mut sealed = Sealed { nonce, tag: [0; TAG_BYTES], ciphertext: vec![0; plaintext.len()].into_boxed_slice() };
        let binding = Binding::of(place);
        self.cipher()?
            .seal_out_of_place_scatter(
                sealed.nonce(),
                Aad::from(binding.bytes()),
                plaintext,
                &mut sealed.ciphertext,
                &[],
                &mut sealed.tag,
            )
            .map_err(|_| BrokenSeal(()))?;
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, sealed: &Sealed, place: &Place) -> Result<SecretValue, BrokenSeal> {
        let mut plaintext = vec![0; sealed.ciphertext.len()];
        let binding = Binding::of(place);
        let opened = self.cipher().and_then(|cipher| {
            cipher
                .open_separate_gather(
                    sealed.nonce(),
                    Aad::from(binding.bytes()),
                    &sealed.ciphertext,
                    &sealed.tag,
                    &mut plaintext,
                )
                .map_err(|_| BrokenSeal(()))
        });
        // Wrapped either way: what a failed opening left behind is wiped as well.
        let value = SecretValue::from_bytes(plaintext);
        opened.map(|()| value)
    }

    fn cipher(&self) -> Result<LessSafeKey, BrokenSeal> {
        self.key.with(|key| UnboundKey::new(&CHACHA20_POLY1305, key)).map(LessSafeKey::new).map_err(|_| BrokenSeal(()))
    }
}

impl Sealed {
    fn nonce(&self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        for (byte, counted) in nonce.iter_mut().zip(self.nonce.to_le_bytes()) {
            *byte = counted;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Drop for Sealed {
    /// The key lives on, so what it could still open doesn't.
    fn drop(&mut self) {
        self.ciphertext.zeroize();
    }
}

/// A place as the bytes a seal is bound to: each part after its length, so that no two places have
/// the same.
struct Binding {
    short: [u8; Self::SHORT],
    length: usize,
    /// Where the short form has no room.
    long: Vec<u8>,
}

impl Binding {
    /// Enough for a source's name, two ids of 26 characters and a field's id, without a trip to the heap.
    const SHORT: usize = 192;

    fn of(place: &Place) -> Self {
        let mut binding = Self { short: [0; Self::SHORT], length: 0, long: Vec::new() };
        for part in [place.source.as_str(), place.vault.as_str(), place.item.as_str(), place.field.as_str()] {
            // A length is at most 64 bits wide wherever this runs.
            binding.push(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            binding.push(part.as_bytes());
        }
        binding
    }

    fn push(&mut self, part: &[u8]) {
        let end = self.length + part.len();
        if self.long.is_empty()
            && let Some(room) = self.short.get_mut(self.length..end)
        {
            room.copy_from_slice(part);
            self.length = end;
            return;
        }
        if self.long.is_empty() {
            self.long.extend_from_slice(self.short.get(..self.length).unwrap_or_default());
        }
        self.long.extend_from_slice(part);
    }

    fn bytes(&self) -> &[u8] {
        if self.long.is_empty() { self.short.get(..self.length).unwrap_or_default() } else { &self.long }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{FieldId, ItemId, SourceName, VaultId};

    fn sealer() -> Sealer {
        Sealer::new(LockedKey::generate().unwrap())
    }

    fn place(source: &str, vault: &str, item: &str, field: &str) -> Place {
        Place {
            source: SourceName::new(source),
            vault: VaultId::new(vault),
            item: ItemId::new(item),
            field: FieldId::new(field),
        }
    }

    fn home() -> Place {
        place("home", "v", "i", "password")
    }

    #[test]
    fn a_sealed_value_shows_nothing_of_itself() {
        let sealed = sealer().seal(&SecretValue::new("hunter2-hunter2-hunter2".to_owned()), &home()).unwrap();
        assert!(!sealed.ciphertext.windows(7).any(|window| window == b"hunter2"));
    }

    #[test]
    fn no_two_values_are_sealed_alike() {
        let sealer = sealer();
        let seals: HashSet<_> = (0..1000)
            .map(|_| {
                let sealed = sealer.seal(&SecretValue::new("same".to_owned()), &home()).unwrap();
                (sealed.nonce, sealed.ciphertext.clone(), sealed.tag)
            })
            .collect();
        assert_eq!(seals.len(), 1000);
        assert_eq!(seals.iter().map(|(_, ciphertext, tag)| (ciphertext, tag)).collect::<HashSet<_>>().len(), 1000);
    }

    #[test]
    fn a_value_opens_only_for_its_own_place() {
        let sealer = sealer();
        let sealed = sealer.seal(&SecretValue::new("mine".to_owned()), &home()).unwrap();
        for other in [
            place("work", "v", "i", "password"),
            place("home", "w", "i", "password"),
            place("home", "v", "j", "password"),
            place("home", "v", "i", "username"),
            place("homev", "", "i", "password"),
            place("home", "v", "ip", "assword"),
        ] {
            assert_eq!(sealer.open(&sealed, &other).unwrap_err(), BrokenSeal(()), "{other:?}");
        }
        assert_eq!(sealer.open(&sealed, &home()).unwrap().plaintext(), b"mine");
    }

    #[test]
    fn a_value_opens_only_with_its_own_key() {
        let sealed = sealer().seal(&SecretValue::new("mine".to_owned()), &home()).unwrap();
        assert!(sealer().open(&sealed, &home()).is_err());
    }

    #[test]
    fn a_changed_bit_keeps_a_value_shut() {
        let sealer = sealer();
        let seal = || sealer.seal(&SecretValue::new("mine".to_owned()), &home()).unwrap();
        let (mut ciphertext, mut tag, mut nonce) = (seal(), seal(), seal());
        ciphertext.ciphertext[0] ^= 1;
        tag.tag[15] ^= 0x80;
        nonce.nonce ^= 1;
        for damaged in [ciphertext, tag, nonce] {
            assert!(sealer.open(&damaged, &home()).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(
            value in prop::collection::vec(any::<u8>(), 0..4096),
            field in ".{0,200}",
        ) {
            let (sealer, place) = (sealer(), place("home", "v", "i", &field));
            let sealed = sealer.seal(&SecretValue::from_bytes(value.clone()), &place).unwrap();
            let opened = sealer.open(&sealed, &place).unwrap();
            prop_assert_eq!(opened.plaintext(), &value[..]);
        }

        #[test]
        fn two_places_are_never_bound_alike(one in "[ab]{0,3}/[ab]{0,3}/[ab]{0,90}/[ab]{0,90}", other in "[ab]{0,3}/[ab]{0,3}/[ab]{0,90}/[ab]{0,90}") {
            let read = |text: &str| {
                let parts: Vec<&str> = text.split('/').collect();
                place(parts[0], parts[1], parts[2], parts[3])
            };
            prop_assert_eq!(Binding::of(&read(&one)).bytes() == Binding::of(&read(&other)).bytes(), one == other);
        }
    }
}
