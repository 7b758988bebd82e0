//! A writer through which no control character passes.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use super::format::Format;

/// Writes each log line with its control characters escaped, so that nothing logged can move a terminal's cursor, hide
/// what came before or pass for a line of its own.
#[derive(Debug)]
pub(super) struct Escaped<W>(W, Format);

impl<W> Escaped<W> {
    /// Escapes as is the custom in that format.
    pub(super) fn new(writer: W, format: Format) -> Self {
        Self(writer, format)
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Escaped<W> {
    type Writer = Escaped<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Escaped(self.0.make_writer(), self.1)
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
                escape(character, self.1, &mut escaped);
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

/// Spells a character out.
fn escape(character: char, format: Format, into: &mut String) {
    match format {
        Format::Text => into.extend(character.escape_unicode()),
        // Such a character can only stand within a string, and there it may be written like this.
        Format::Json => {
            let mut units = [0; 2];
            into.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
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
        Escaped(&mut out, Format::Text).write_all("a\u{1b}[2Jb\r\nc\u{202e}d\u{85}é\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\u{1b}[2Jb\\u{d}\\u{a}c\\u{202e}d\\u{85}é\n");
    }

    #[test]
    fn json_stays_json_and_means_the_same() {
        let meant = "a\u{1b}[2Jb\r\nc\u{202e}d\u{85}é\u{7f}";
        let mut out = Vec::new();
        Escaped(&mut out, Format::Json).write_all(format!("{}\n", serde_json::json!(meant)).as_bytes()).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert_eq!(line, "\"a\\u001b[2Jb\\r\\nc\\u202ed\\u0085é\\u007f\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), meant);
    }
}
