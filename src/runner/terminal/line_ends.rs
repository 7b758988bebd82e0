//! The ends of lines, where two terminals would finish them.

use std::os::fd::BorrowedFd;

use rustix::termios::{OutputModes, tcgetattr};

/// Takes back what the program's terminal made of the end of a line, while the person's makes it itself. Switching that
/// off in the program's would be seen: a program keeps the settings it finds, and brings them back when it's done.
#[derive(Default)]
pub(super) struct LineEnds {
    /// Whether a carriage return came last, and may be one of these.
    held: bool,
}

impl LineEnds {
    /// Takes them back in a piece that's about to be shown.
    pub(super) fn take_back(&mut self, shown: &mut Vec<u8>) {
        let mut taken_back = Vec::with_capacity(shown.len() + 1);
        for byte in shown.drain(..) {
            if std::mem::take(&mut self.held) && byte != b'\n' {
                taken_back.push(b'\r');
            }
            if byte == b'\r' {
                self.held = true;
            } else {
                taken_back.push(byte);
            }
        }
        *shown = taken_back;
    }

    /// Shows what's held: it's none of these, or nobody takes them back any more.
    pub(super) fn give_up(&mut self, shown: &mut Vec<u8>) {
        if std::mem::take(&mut self.held) {
            shown.insert(0, b'\r');
        }
    }
}

/// Whether a terminal begins each new line at the left by itself.
pub(super) fn finishes_lines(terminal: BorrowedFd<'_>) -> bool {
    tcgetattr(terminal).is_ok_and(|settings| settings.output_modes.contains(OutputModes::OPOST | OutputModes::ONLCR))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_undoes_what_a_terminal_did_in_whatever_pieces_it_comes(
            pieces in proptest::collection::vec("[a\\r\\n]{0,5}", 0..6)
        ) {
            let printed = pieces.concat();
            let finished = printed.replace('\n', "\r\n").into_bytes();
            let (mut ends, mut all) = (LineEnds::default(), Vec::new());
            let mut from = 0;
            for piece in &pieces {
                let to = (from + piece.len()).min(finished.len());
                let mut shown = finished[from..to].to_vec();
                ends.take_back(&mut shown);
                all.extend(shown);
                from = to;
            }
            let mut rest = finished[from..].to_vec();
            ends.take_back(&mut rest);
            all.extend(rest);
            let mut last = Vec::new();
            ends.give_up(&mut last);
            all.extend(last);
            prop_assert_eq!(String::from_utf8(all).unwrap(), printed);
        }
    }
}
