//! A writer through which no control character passes.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Writes each log line with its control characters escaped, so that nothing logged can move a terminal's cursor, hide
/// what came before or pass for a line of its own.
#[derive(Debug)]
pub(super) struct Escaped<W>(W);

impl<W> Escaped<W> {
    pub(super) fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Escaped<W> {
    type Writer = Escaped<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Escaped(self.0.make_writer())
    }
}

impl<W: Write> Write for Escaped<W> {
    /// Takes in one whole line, as the formatter gives it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let mut escaped = String::with_capacity(line.len());
        for character in body.chars() {
            if character.is_control() || is_invisible(character) {
                escaped.extend(character.escape_unicode());
            } else {
                escaped.push(character);
            }
        }
        escaped.push('\n');
        self.0.write_all(escaped.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Characters that reorder or hide the text around them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_text_stays_one_visible_line() {
        let mut out = Vec::new();
        Escaped(&mut out).write_all("a\u{1b}[2Jb\r\nc\u{202e}d\u{85}é\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\u{1b}[2Jb\\u{d}\\u{a}c\\u{202e}d\\u{85}é\n");
    }
}
