//! Hiding values in a program's output: pure, bytes in, bytes out.
//!
//! Output is looked at as a person would see it: without white space, control characters and NULs, once with escape
//! sequences, once without them, and once with what other languages escape undone. In that, [`forms()`] of the values
//! are looked for, all of them at once: eight bytes at a time are looked up, and only what begins like a form is
//! compared with it. What isn't hidden is given out byte by byte as it came in.
//!
//! Hiding protects against accidents. A program that wants to give a value away can: see [`KNOWN_MISSES`].

mod decoded;
mod escapes;
mod forms;
mod lane;
mod marker;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod unescape;

use std::fmt;
use std::sync::Arc;

pub use forms::forms;
pub use stream::Stream;
use table::Table;

/// One value to hide, and what's put in its place.
#[derive(Clone, Copy)]
pub struct Mask<'a> {
    /// The value.
    pub value: &'a [u8],
    /// What stands in its place.
    pub marker: &'a str,
}

/// Values shorter than this, white space and control characters not counted, can't be hidden reliably, nor told from
/// ordinary text.
pub const SHORTEST: usize = 8;

/// Whether a value is long enough to be hidden.
#[must_use]
pub fn can_be_hidden(value: &[u8]) -> bool {
    value.iter().filter(|byte| counts(**byte)).count() >= SHORTEST
}

/// What isn't found, whatever the value: ways in which a program can still give it away.
pub const KNOWN_MISSES: &[&str] = &[
    "compressed",
    "encrypted, or with its letters exchanged (rot13)",
    "in another case",
    "a part of it, such as one half",
    "a value in it by itself, such as a setting in a file, if no name of a secret (`key`, `password`, `token`) stands \
     before it, or beyond the first 64",
    "what it stands for, such as the bytes of a key that it holds in base64",
    "one half on standard output, the other on standard error",
    "other characters between its letters",
    "escaped as no common encoder does it, with colours or backspaces between its letters",
    "encoded twice, unless the later encoding escapes single letters, as those for JSON, HTML and addresses do",
    "in an encoding that isn't among the forms, such as Base58, Ascii85 or uuencode",
    "in quoted-printable text, over the end of a line",
    "in a hex dump of several lines, with offsets",
    "put together on the screen by moving the cursor, or by erasing more than one character at a time",
    "spread over more than 32 times its length and 4 KiB",
    "a hash or a length of it",
];

/// Values to hide, prepared for searching. Cloning it is cheap.
#[derive(Clone)]
pub struct Redactor {
    table: Arc<Table>,
}

impl Redactor {
    /// Prepares values for searching, in all the forms programs print them in.
    #[must_use]
    pub fn new<'a>(masks: impl IntoIterator<Item = Mask<'a>>) -> Self {
        Self { table: Arc::new(Table::new(masks)) }
    }

    /// Whether each value can be hidden: it's long enough, and there's a marker that no value has a part in.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        self.table.covers_all()
    }

    /// Begins a stream.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream::new(Arc::clone(&self.table))
    }

    /// The beginning of a text that goes on, and how often something in it was hidden. What may be the beginning of a value
    /// is left out.
    #[must_use]
    pub fn apply_to_beginning(&self, text: &[u8]) -> (Vec<u8>, u64) {
        let mut stream = self.stream();
        let mut out = Vec::with_capacity(text.len());
        stream.push(text, &mut out);
        (out, stream.cut())
    }

    /// A text that's there to its end, and how often something in it was hidden.
    #[must_use]
    pub fn apply(&self, text: &[u8]) -> (Vec<u8>, u64) {
        let mut stream = self.stream();
        let mut out = Vec::with_capacity(text.len());
        stream.push(text, &mut out);
        let count = stream.finish(&mut out);
        (out, count)
    }
}

impl fmt::Debug for Mask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask").field("marker", &self.marker).finish_non_exhaustive()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// Whether a byte counts when text is compared: white space, control characters and NULs don't.
const fn counts(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f
}
