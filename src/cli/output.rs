//! The only code that prints, apart from the protocol.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

/// How a piece of text stands out on a terminal that shows colours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Bad,
    Dim,
    Good,
    Strong,
    Warn,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Bad => "31",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Strong => "1",
            Self::Warn => "33",
        }
    }
}

/// The two standard streams, as this run may use them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    coloured_out: bool,
    coloured_err: bool,
}

#[expect(clippy::unused_self, reason = "whoever prints holds an Output, whether or not it needs its colours")]
impl Output {
    /// Colours only where a terminal shows them and `NO_COLOR` isn't set.
    pub(super) fn new(no_color: bool) -> Self {
        Self {
            coloured_out: !no_color && io::stdout().is_terminal(),
            coloured_err: !no_color && io::stderr().is_terminal(),
        }
    }

    /// Whether notes may be coloured.
    pub(super) fn notes_are_coloured(self) -> bool {
        self.coloured_err
    }

    /// A line of the answer.
    pub(super) fn line(self, text: impl Display) {
        // A reader that has gone away is no fault of ours, and there's nobody left to tell.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// Bytes of the answer, exactly.
    pub(super) fn bytes(self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| if out.is_terminal() { out.write_all(b"\n") } else { out.flush() });
    }

    /// A line for the person, beside the answer.
    pub(super) fn note(self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A question, with the answer's place behind it.
    pub(super) fn prompt(self, question: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(question.as_bytes()).and_then(|()| err.flush());
    }

    /// A text that stands out in the answer.
    pub(super) fn paint(self, style: Style, text: impl Display) -> String {
        paint(self.coloured_out, style, text)
    }

    /// A text that stands out in a note.
    pub(super) fn paint_note(self, style: Style, text: impl Display) -> String {
        paint(self.coloured_err, style, text)
    }

    /// Rows with their columns aligned; the last column is as long as it is.
    pub(super) fn table(self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let missing = width.saturating_sub(cell.chars().count());
                line.extend(std::iter::repeat_n(' ', missing + 2));
            }
            self.line(line.trim_end());
        }
    }
}

fn paint(coloured: bool, style: Style, text: impl Display) -> String {
    if coloured { format!("\u{1b}[{}m{text}\u{1b}[0m", style.code()) } else { text.to_string() }
}
