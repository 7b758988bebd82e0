//! A text in every way it could be read: as it stands, and with each usual encoding undone.
//!
//! Encodings within encodings are undone twice: a value in base64 inside a JSON text that was escaped for a URL is
//! found. What was undone to nonsense goes no further, which keeps the work a small multiple of the text's length; where
//! somebody sees to it that it isn't, there's a bound.

mod digits;
mod escapes;

use zeroize::Zeroizing;

/// What's read holds values, so it's wiped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// How many encodings within each other are undone.
const DEPTH: usize = 2;

/// Less than this says nothing.
const SHORTEST: usize = 8;

/// How much is read in one call, over all readings. Of a text as it's usually written there are five to ten, so as much
/// as a message can hold is read; of one made for it, sixty and more.
const READ_AT_MOST: usize = 32 * 1024 * 1024;

/// There's more to read than is read for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is more to read in this than can be looked through")]
pub struct TooMuch;

/// How much may still be read.
pub(super) struct Room(usize);

/// An encoding of a whole text. `None` if there's nothing to undo.
type Undo = fn(&[u8]) -> Option<Bytes>;

/// The encodings that leave most of a text as it is. Each may have been done twice.
const WHOLE: [Undo; 5] = [escapes::percent, escapes::form, escapes::backslash, escapes::html, escapes::shell];

/// How a text came about.
#[derive(Clone, Copy)]
struct Way {
    /// How many encodings may still be undone.
    depth: usize,
    /// Its blanks were left out.
    is_squeezed: bool,
    /// Its end is its beginning.
    is_reversed: bool,
}

impl Room {
    pub(super) const fn of_a_call() -> Self {
        Self(READ_AT_MOST)
    }

    fn take(&mut self, text: &[u8]) -> Result<(), TooMuch> {
        self.0 = self.0.checked_sub(text.len()).ok_or(TooMuch)?;
        Ok(())
    }
}

/// Shows every reading of a text, the text itself first, and whether its blanks were left out.
///
/// # Errors
///
/// When there's no room for all of them; then those that are left aren't shown.
pub(super) fn each(text: &[u8], room: &mut Room, show: &mut impl FnMut(&[u8], bool)) -> Result<(), TooMuch> {
    room.take(text)?;
    show(text, false);
    further(text, Way { depth: DEPTH, is_squeezed: false, is_reversed: false }, room, show)
}

fn further(text: &[u8], way: Way, room: &mut Room, show: &mut impl FnMut(&[u8], bool)) -> Result<(), TooMuch> {
    if way.depth == 0 || text.len() < SHORTEST {
        return Ok(());
    }
    let next = Way { depth: way.depth - 1, ..way };
    let mut read = |read: Option<Bytes>, next: Way| {
        let Some(read) = read.filter(|read| read.len() >= SHORTEST) else { return Ok(()) };
        room.take(&read)?;
        show(&read, next.is_squeezed);
        further(&read, next, room, show)
    };
    if !way.is_reversed {
        read(Some(reversed(text)), Way { is_reversed: true, ..next })?;
    }
    if !way.is_squeezed {
        read(squeezed(text), Way { is_squeezed: true, ..next })?;
    }
    for undo in WHOLE {
        read(undo(text), next)?;
    }
    // What comes of digits is a text of its own.
    let next = Way { is_squeezed: false, is_reversed: false, ..next };
    digits::each(text, &mut |read| {
        room.take(read)?;
        show(read, false);
        // Only what can be text is read on.
        if is_text(read) { further(read, next, room, show) } else { Ok(()) }
    })
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.len() >= SHORTEST && std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_control))
}

fn is_control(char: char) -> bool {
    char.is_control() && !char.is_ascii_whitespace()
}

fn reversed(text: &[u8]) -> Bytes {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().rev().collect::<String>().into_bytes().into(),
        Err(_) => text.iter().rev().copied().collect::<Vec<u8>>().into(),
    }
}

/// The text without its blanks: wrapped lines run together.
fn squeezed(text: &[u8]) -> Option<Bytes> {
    let has_blanks = text.iter().any(u8::is_ascii_whitespace);
    has_blanks.then(|| text.iter().filter(|byte| !byte.is_ascii_whitespace()).copied().collect::<Vec<u8>>().into())
}
