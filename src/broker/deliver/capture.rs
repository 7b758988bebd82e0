//! What's kept of a stream of output: its beginning and its end, with values hidden.

use std::collections::VecDeque;

use crate::redact::{Redactor, Stream};

/// How much is kept of a stream's beginning, in bytes.
const HEAD: usize = 16 * 1024;

/// How much is kept of its end.
const TAIL: usize = 32 * 1024;

/// One stream of output, as the caller will see it.
pub(super) struct Capture {
    stream: Stream,
    /// What came out of hiding and isn't kept yet.
    fresh: Vec<u8>,
    kept: Kept,
}

/// A stream that has ended.
pub(super) struct Captured {
    /// Its text.
    pub(super) text: String,
    /// How often something was hidden in it.
    pub(super) redactions: u64,
    /// Whether something was left out.
    pub(super) truncated: bool,
}

#[derive(Default)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: usize,
}

impl Capture {
    pub(super) fn new(redactor: &Redactor) -> Self {
        Self { stream: redactor.stream(), fresh: Vec::new(), kept: Kept::default() }
    }

    pub(super) fn take(&mut self, piece: &[u8]) {
        self.stream.push(piece, &mut self.fresh);
        self.kept.take(&mut self.fresh);
    }

    /// Ends it. Of what was cut off, the end is left out if a value may have begun there.
    pub(super) fn end(mut self, cut_off: bool) -> Captured {
        let redactions = if cut_off { self.stream.cut() } else { self.stream.finish(&mut self.fresh) };
        self.kept.take(&mut self.fresh);
        let Kept { head: mut bytes, tail, left_out } = self.kept;
        if left_out > 0 {
            bytes.extend(format!("\n[opward left out {left_out} bytes here]\n").into_bytes());
        }
        bytes.extend(tail);
        Captured { text: String::from_utf8_lossy(&bytes).into_owned(), redactions, truncated: left_out > 0 }
    }
}

impl Kept {
    /// Only what values are hidden in already gets here, so leaving something out brings none together.
    fn take(&mut self, fresh: &mut Vec<u8>) {
        let room = HEAD.saturating_sub(self.head.len()).min(fresh.len());
        self.head.extend(fresh.drain(..room));
        let over = (self.tail.len() + fresh.len()).saturating_sub(TAIL);
        let of_tail = over.min(self.tail.len());
        self.tail.drain(..of_tail);
        fresh.drain(..over - of_tail);
        self.tail.extend(fresh.drain(..));
        self.left_out = self.left_out.saturating_add(over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Mask;

    fn captured(pieces: &[&[u8]]) -> Captured {
        let mut capture = Capture::new(&Redactor::new([]));
        for piece in pieces {
            capture.take(piece);
        }
        capture.end(false)
    }

    #[test]
    fn short_output_is_kept_whole() {
        let kept = captured(&[b"one ", b"two", b" three"]);
        assert_eq!((kept.text.as_str(), kept.truncated, kept.redactions), ("one two three", false, 0));
        let most = vec![b'x'; HEAD + TAIL];
        assert!(!captured(&[&most]).truncated);
    }

    #[test]
    fn of_long_output_the_beginning_and_the_end_are_kept() {
        let long: Vec<u8> = (0..200_000_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        for size in [1, 7, 4096, long.len()] {
            let pieces: Vec<&[u8]> = long.chunks(size).collect();
            let kept = captured(&pieces);
            assert!(kept.truncated && kept.text.starts_with("0\n1\n") && kept.text.ends_with("199999\n"));
            let note = format!("[opward left out {} bytes here]", long.len() - HEAD - TAIL);
            assert!(kept.text.contains(&note), "{size}");
        }
    }

    #[test]
    fn of_what_was_cut_off_nothing_of_a_value_is_kept() {
        let value = "c4n4ry-7f3a9c51-value";
        let redactor = Redactor::new([Mask { value: value.as_bytes(), marker: "[hidden]" }]);
        for at in 1..=value.len() {
            let part: String = value.chars().take(at).collect();
            for begun in [format!("is {part}"), format!("{}is {part}", "x\n".repeat(HEAD))] {
                let mut capture = Capture::new(&redactor);
                capture.take(begun.as_bytes());
                let captured = capture.end(true);
                assert!(!captured.text.contains('c') && captured.text.contains("is "), "{at}: {}", captured.text);
            }
        }
        let mut capture = Capture::new(&redactor);
        capture.take(b"is c4n4ry");
        assert_eq!(capture.end(false).text, "is c4n4ry");
    }

    #[test]
    fn what_is_not_text_is_shown_as_such() {
        assert_eq!(captured(&[b"a\xffb"]).text, "a\u{fffd}b");
    }
}
