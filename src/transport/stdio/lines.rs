//! Lines out of a stream of bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::buffer::WipingBuffer;
use crate::transport::message::MAX_MESSAGE;

/// How much is asked of the stream at least.
const READ: usize = 4 * 1024;

/// What stood between two newlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The line without its newline.
    Whole(&'a [u8]),
    /// A line longer than [`MAX_MESSAGE`]. Told once, when it's found out; the rest of it is dropped unseen.
    TooLong,
}

/// Cuts a stream into lines within bounded memory, and wipes each line once it was looked at.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: WipingBuffer,
    /// How many of the held bytes are known to hold no newline.
    scanned: usize,
    /// The current line is too long, and what comes up to its newline is dropped.
    dropping: bool,
}

impl Lines {
    /// Reads what the stream has; 0 is its end.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut impl AsyncRead>,
    ) -> Poll<io::Result<usize>> {
        let mut spare = ReadBuf::new(self.buffer.spare(READ));
        ready!(reader.poll_read(cx, &mut spare))?;
        let count = spare.filled().len();
        self.buffer.filled(count);
        Poll::Ready(Ok(count))
    }

    /// Shows the next line to `look` and wipes it, or says that there's no whole one yet.
    pub(super) fn take<T>(&mut self, look: impl FnOnce(Line<'_>) -> T) -> Option<T> {
        loop {
            let newline = self.newline();
            match (self.dropping, newline) {
                (true, Some(at)) => {
                    self.forget(at.saturating_add(1));
                    self.dropping = false;
                }
                (true, None) => {
                    self.forget(self.buffer.len());
                    return None;
                }
                (false, Some(at)) => {
                    let seen = match self.buffer.bytes().get(..at) {
                        Some(line) if at <= MAX_MESSAGE => look(Line::Whole(line)),
                        _ => look(Line::TooLong),
                    };
                    self.forget(at.saturating_add(1));
                    return Some(seen);
                }
                (false, None) if self.buffer.len() > MAX_MESSAGE => {
                    self.forget(self.buffer.len());
                    self.dropping = true;
                    return Some(look(Line::TooLong));
                }
                (false, None) => {
                    self.scanned = self.buffer.len();
                    return None;
                }
            }
        }
    }

    /// Wipes all that was read and not yet taken.
    pub(super) fn clear(&mut self) {
        self.forget(self.buffer.len());
    }

    fn newline(&self) -> Option<usize> {
        let unseen = self.buffer.bytes().get(self.scanned..)?;
        let at = unseen.iter().position(|byte| *byte == b'\n')?;
        Some(self.scanned.saturating_add(at))
    }

    fn forget(&mut self, count: usize) {
        self.buffer.consume(count);
        self.scanned = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;

    use super::*;

    /// Feeds the chunks one by one and collects the lines; `None` stands for one that was too long.
    fn lines_of(chunks: &[Vec<u8>]) -> (Vec<Option<Vec<u8>>>, Lines) {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for chunk in chunks {
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                runtime.block_on(poll_fn(|cx| lines.poll_fill(cx, Pin::new(&mut rest)))).unwrap();
                while let Some(line) = lines.take(|line| match line {
                    Line::Whole(line) => Some(line.to_vec()),
                    Line::TooLong => None,
                }) {
                    found.push(line);
                }
            }
        }
        (found, lines)
    }

    #[test]
    fn a_line_at_the_limit_is_whole_and_one_byte_more_is_too_long() {
        let mut fits = vec![b'a'; MAX_MESSAGE];
        fits.push(b'\n');
        let mut more = vec![b'a'; MAX_MESSAGE + 1];
        more.push(b'\n');
        assert_eq!(lines_of(&[fits.clone()]).0, [Some(vec![b'a'; MAX_MESSAGE])]);
        assert_eq!(lines_of(&[more, b"next\n".to_vec()]).0, [None, Some(b"next".to_vec())]);
    }

    #[test]
    fn an_endless_line_is_told_once_and_takes_bounded_room() {
        let mut chunks = vec![vec![b'x'; 64 * 1024]; 256];
        let (found, lines) = lines_of(&chunks);
        assert_eq!(found, [None]);
        assert!(lines.buffer.is_empty());
        chunks.push(b"tail\nnext\n".to_vec());
        assert_eq!(lines_of(&chunks).0, [None, Some(b"next".to_vec())]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_arrive(
            text in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..2000),
            size in 1_usize..300,
        ) {
            let chunks: Vec<Vec<u8>> = text.chunks(size).map(<[u8]>::to_vec).collect();
            let mut expected: Vec<Option<Vec<u8>>> = text.split(|byte| *byte == b'\n').map(|line| Some(line.to_vec())).collect();
            expected.pop();
            prop_assert_eq!(lines_of(&chunks).0, expected);
        }
    }
}
