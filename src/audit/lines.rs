//! Reads a log line by line without ever holding more than one line may have.

use std::io::{self, BufRead};

use aws_lc_rs::digest;

use super::hash::RecordHash;
use super::line::MAX_LINE;

/// The lines of a log, and a digest of all bytes read so far.
pub(super) struct Lines<R> {
    reader: R,
    digest: digest::Context,
    /// The line read last, without its end. Of a line that's too long, the beginning.
    line: Vec<u8>,
    /// How many bytes the line has, its end included.
    length: u64,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With a line end.
    Whole,
    /// With the file.
    Torn,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, digest: digest::Context::new(&digest::SHA256), line: Vec::new(), length: 0 }
    }

    /// Reads the next line; `None` at the end.
    pub(super) fn advance(&mut self) -> io::Result<Option<End>> {
        self.line.clear();
        self.length = 0;
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if buffer.is_empty() {
                return Ok((self.length > 0).then_some(End::Torn));
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let (text, used) = end.map_or((buffer.len(), buffer.len()), |at| (at, at + 1));
            // One byte over the limit is kept, so that the line is seen to be too long.
            let room = (MAX_LINE + 1).saturating_sub(self.line.len());
            self.line.extend(buffer.iter().take(text.min(room)));
            self.digest.update(buffer.get(..used).unwrap_or_default());
            self.length = self.length.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(End::Whole));
            }
        }
    }

    /// The line read last.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// How many bytes it has, its end included.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The digest of everything read so far.
    pub(super) fn digest(&self) -> RecordHash {
        RecordHash::from(self.digest.clone().finish())
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn tells_whole_lines_from_a_torn_one_across_buffers() {
        let mut lines = Lines::new(BufReader::with_capacity(3, &b"one\n\nthree\nfo"[..]));
        let mut read = Vec::new();
        while let Some(end) = lines.advance().unwrap() {
            read.push((String::from_utf8(lines.line().to_vec()).unwrap(), lines.length(), end));
        }
        let expected = [("one", 4, End::Whole), ("", 1, End::Whole), ("three", 6, End::Whole), ("fo", 2, End::Torn)];
        assert_eq!(read, expected.map(|(text, length, end)| (text.to_owned(), length, end)));
        assert_eq!(lines.digest(), RecordHash::of(b"one\n\nthree\nfo"));
    }

    #[test]
    fn keeps_no_more_than_a_line_may_have() {
        let long = vec![b'x'; 3 * MAX_LINE];
        let mut lines = Lines::new(BufReader::new(&long[..]));
        assert_eq!(lines.advance().unwrap(), Some(End::Torn));
        assert_eq!((lines.line().len(), lines.length()), (MAX_LINE + 1, 3 * 64 * 1024));
    }
}
