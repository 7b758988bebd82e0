//! JSON written by hand in its RFC 8785 form: minimal escapes, integers only, no spaces.

use std::io::Write as _;

use super::hash::hex_into;

/// Bytes under construction, with the few ways JSON is written in.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// Whether a character was written that [`escape_invisible`] would change.
    pub(super) invisible: bool,
}

impl Text {
    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn optional(&mut self, before: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(before, value);
        }
    }

    pub(super) fn field(&mut self, before: &str, value: &str) {
        self.raw(before);
        self.bytes.push(b'"');
        // Without a way out in the middle, this is compiled to a few wide instructions.
        if value.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            self.raw(value);
        } else {
            value.chars().for_each(|character| self.character(character));
        }
        self.bytes.push(b'"');
    }

    fn character(&mut self, character: char) {
        match character {
            '"' => self.raw("\\\""),
            '\\' => self.raw("\\\\"),
            '\u{8}' => self.raw("\\b"),
            '\t' => self.raw("\\t"),
            '\n' => self.raw("\\n"),
            '\u{c}' => self.raw("\\f"),
            '\r' => self.raw("\\r"),
            '\0'..='\u{1f}' => push_escaped(&mut self.bytes, u16::try_from(u32::from(character)).unwrap_or_default()),
            other => {
                self.invisible |= is_invisible(other);
                push_char(&mut self.bytes, other);
            }
        }
    }

    pub(super) fn number(&mut self, number: u64) {
        // Writing to a vector can't fail.
        let _ = write!(self.bytes, "{number}");
    }
}

/// Rewrites the line that begins at `start` so that nothing in the file is invisible or moves the
/// text around it. Such characters stand only inside strings, where `\u` is right.
pub(super) fn escape_invisible(out: &mut Vec<u8>, start: usize) {
    let line = String::from_utf8_lossy(out.get(start..).unwrap_or_default()).into_owned();
    out.truncate(start);
    let mut units = [0; 2];
    for character in line.chars() {
        if is_invisible(character) {
            for unit in character.encode_utf16(&mut units) {
                push_escaped(out, *unit);
            }
        } else {
            push_char(out, character);
        }
    }
}

fn push_char(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn push_escaped(out: &mut Vec<u8>, unit: u16) {
    let mut digits = [0; 4];
    hex_into(&unit.to_be_bytes(), &mut digits);
    out.extend_from_slice(b"\\u");
    out.extend_from_slice(&digits);
}

/// Whether a byte stands for itself in JSON and is visible ASCII.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

/// Characters that RFC 8785 leaves as they are, and that would hide in a file or act on a terminal.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}
