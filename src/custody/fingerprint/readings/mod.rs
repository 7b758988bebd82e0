//! A text in every way it could be read: as it stands, and with each usual encoding undone.
//!
//! Encodings within encodings are undone twice: a value in base64 inside a JSON text that was escaped for a URL is
//! found. What was undone to nonsense goes no further, which keeps the work a small multiple of the text's length.

mod digits;
mod escapes;

use zeroize::Zeroizing;

/// What's read holds values, so it's wiped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// How many encodings within each other are undone.
const DEPTH: usize = 2;

/// Less than this says nothing.
const SHORTEST: usize = 8;

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

/// Shows every reading of a text, the text itself first, and whether its blanks were left out.
pub(super) fn each(text: &[u8], show: &mut impl FnMut(&[u8], bool)) {
    show(text, false);
    further(text, Way { depth: DEPTH, is_squeezed: false, is_reversed: false }, show);
}

fn further(text: &[u8], way: Way, show: &mut impl FnMut(&[u8], bool)) {
    if way.depth == 0 || text.len() < SHORTEST {
        return;
    }
    let next = Way { depth: way.depth - 1, ..way };
    let mut read = |read: Option<Bytes>, next: Way| {
        if let Some(read) = read.filter(|read| read.len() >= SHORTEST) {
            show(&read, next.is_squeezed);
            further(&read, next, show);
        }
    };
    if !way.is_reversed {
        read(Some(reversed(text)), Way { is_reversed: true, ..next });
    }
    if !way.is_squeezed {
        read(squeezed(text), Way { is_squeezed: true, ..next });
    }
    for undo in WHOLE {
        read(undo(text), next);
    }
    // What comes of digits is a text of its own.
    let next = Way { is_squeezed: false, is_reversed: false, ..next };
    digits::each(text, &mut |read| {
        show(read, false);
        // Only what can be text is read on.
        if is_text(read) {
            further(read, next, show);
        }
    });
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
