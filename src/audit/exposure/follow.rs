//! Reads a log as far as it has grown, and notices when it's another one.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::super::line::MAX_LINE;
use super::tally::Tally;

/// How much is read at once. A line fits in, and so do hundreds.
const PIECE: usize = 4 * MAX_LINE;

/// How many bytes before the place read up to are compared, to see that they're still there. The last record's number
/// and link are among them.
const COMPARED: usize = 1024;

/// How far a log was read.
///
/// It takes no lock, so that no writer ever waits for it. A line counts once its end is there; what a writer cut off
/// again afterwards is noticed as any other change of what was read, and all is read anew.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// Device and inode.
    file: Option<(u64, u64)>,
    /// The end of the last whole line that was read.
    at: u64,
    /// What stands right before that.
    before: Vec<u8>,
    /// Whether that's in the middle of a line no record is as long as.
    in_overlong: bool,
}

impl Follower {
    /// Hands over what's new, up to about `most` bytes, and says whether that was all.
    pub(super) fn advance(&mut self, path: &Path, tally: &mut Tally, most: u64) -> io::Result<bool> {
        let file = match open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (*self, *tally) = (Self::default(), Tally::default());
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        if !self.is_same(&file)? {
            (*self, *tally) = (Self::default(), Tally::default());
            let metadata = file.metadata()?;
            self.file = Some((metadata.dev(), metadata.ino()));
        }
        let until = self.at.saturating_add(most);
        let mut piece = Vec::new();
        while self.at < until {
            let left = usize::try_from(file.metadata()?.len().saturating_sub(self.at)).unwrap_or(PIECE);
            piece.resize(left.min(PIECE), 0);
            let length = read_at(&file, &mut piece, self.at)?;
            let read = piece.get(..length).unwrap_or_default();
            let used = self.lines(read, tally);
            if used == 0 {
                return Ok(true);
            }
            self.remember(read.get(..used).unwrap_or_default());
        }
        Ok(false)
    }

    /// Whether it's the file that was read, and has all that was read of it.
    fn is_same(&self, file: &File) -> io::Result<bool> {
        let metadata = file.metadata()?;
        if self.file != Some((metadata.dev(), metadata.ino())) || metadata.len() < self.at {
            return Ok(false);
        }
        let mut there = vec![0; self.before.len()];
        let from = self.at.saturating_sub(as_u64(there.len()));
        let length = read_at(file, &mut there, from)?;
        Ok(length == there.len() && there == self.before)
    }

    /// Hands over each whole line, and says how many bytes are dealt with.
    fn lines(&mut self, read: &[u8], tally: &mut Tally) -> usize {
        let whole = read.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        for line in read.get(..whole).unwrap_or_default().split_inclusive(|&byte| byte == b'\n') {
            if std::mem::take(&mut self.in_overlong) {
                continue;
            }
            match line.strip_suffix(b"\n") {
                Some(line) if line.len() <= MAX_LINE => tally.line(line),
                Some(_) | None => tally.overlong(),
            }
        }
        if whole == 0 && read.len() > MAX_LINE {
            if !std::mem::replace(&mut self.in_overlong, true) {
                tally.overlong();
            }
            return read.len();
        }
        whole
    }

    fn remember(&mut self, used: &[u8]) {
        self.at = self.at.saturating_add(as_u64(used.len()));
        self.before.extend_from_slice(used.get(used.len().saturating_sub(COMPARED)..).unwrap_or_default());
        self.before.drain(..self.before.len().saturating_sub(COMPARED));
    }
}

/// Without `O_NONBLOCK`, a pipe put in the log's place would hold us up.
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::IsADirectory.into()) }
}

/// Reads until the piece is full or the file ends.
fn read_at(file: &File, piece: &mut [u8], at: u64) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = piece.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at.saturating_add(as_u64(length))) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
