//! The end of the chain: finds out what others appended, and puts the next records behind it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::entry::Kind;
use super::error::AuditError;
use super::file::LogFile;
use super::hash::RecordHash;
use super::line::{Body, Head, MAX_LINE, Stamp, render};
use super::report::Report;
use super::tail::{Mark, Tail};
use super::time::Seconds;
use super::verify::{BREAK_ACCEPTED, verify_first};
use crate::model::Clock;

/// How often a locked file is tried before its caller waits: another append takes about as long.
const TRIES: u32 = 16;

/// How long a record waits for another process to give the file's lock back.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long a file that was seen in its place is taken to be there still. Looking takes a third as
/// long as all the rest of a record.
const PLACE_HOLDS: SignedDuration = SignedDuration::from_millis(100);

/// How long to wait before a locked file is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// Why nothing more can be written, once that's so; for whoever wants to know without writing.
pub(super) type Fate = Arc<OnceLock<AuditError>>;

/// Appends records to one file that other processes append to as well.
#[derive(Debug)]
pub(super) struct Appender {
    file: LogFile,
    clock: Clock,
    /// Where the file ended when we last had it locked. `None` until it was read once.
    mark: Option<Mark>,
    /// When the file was last seen in its place.
    in_place: Option<Timestamp>,
    /// Why nothing more can be written until the file is opened anew.
    dead: Fate,
    seconds: Seconds,
    /// Lines on their way out, kept for its memory.
    lines: Vec<u8>,
    /// The heads of those lines, one for each.
    heads: Vec<Head>,
}

impl Appender {
    /// Opens the file and reads its last record.
    pub(super) fn open(path: &Path, clock: Clock) -> Result<Self, AuditError> {
        let mut appender = Self::on(LogFile::open(path)?, clock);
        appender.patiently(Self::catch_up).map_err(|error| appender.explain(error))?;
        Ok(appender)
    }

    /// Opens a file whose chain is broken, if its content is what its owner has seen and accepted,
    /// and records that. A file whose chain isn't broken is opened as any other.
    pub(super) fn open_accepting(path: &Path, clock: Clock, accepted: RecordHash) -> Result<Self, AuditError> {
        let mut appender = Self::on(LogFile::open(path)?, clock);
        appender.patiently(|appender| {
            let report = appender.verify()?;
            if report.bad.is_none() {
                return appender.catch_up();
            }
            if report.digest != accepted {
                return Err(AuditError::OtherBreak { digest: report.digest });
            }
            // The record that says so links to all the bytes before it, whatever they are, and its
            // number is higher than any of theirs. A torn piece among them goes where those go.
            if report.torn > 0 {
                let torn = appender.file.read(report.whole, report.torn)?;
                appender.file.set_aside(&torn, report.whole)?;
            }
            let digest = appender.verify()?.digest;
            appender.mark = Some(Mark { at: report.whole, head: Head { seq: report.highest_seq, hash: digest } });
            appender.write([(&Body::empty(), &Stamp::with_code(Kind::Config, BREAK_ACCEPTED))])
        })?;
        Ok(appender)
    }

    fn on(file: LogFile, clock: Clock) -> Self {
        Self {
            file,
            clock,
            mark: None,
            in_place: None,
            dead: Fate::default(),
            seconds: Seconds::default(),
            lines: Vec::with_capacity(1024),
            heads: Vec::with_capacity(1),
        }
    }

    /// What becomes of it.
    pub(super) fn fate(&self) -> Fate {
        Arc::clone(&self.dead)
    }

    /// Appends records under the lock, in one write, and gives the head after each.
    pub(super) fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = (&'a Body, &'a Stamp)>,
    ) -> Result<&[Head], AuditError> {
        if let Some(why) = self.dead.get() {
            return Err(why.clone());
        }
        self.check_place()?;
        let appended = self.locked(|appender| {
            appender.catch_up()?;
            appender.write(records)
        });
        match appended {
            Ok(()) => Ok(&self.heads),
            Err(error) => {
                if !error.may_pass() {
                    self.dead.get_or_init(|| error.clone());
                }
                Err(error)
            }
        }
    }

    /// Brings what was appended to the disk. After a failure the system may have dropped what it
    /// couldn't write and report success next time, so it's never tried again.
    pub(super) fn sync(&mut self) -> Result<(), AuditError> {
        self.file.file.sync_data().map_err(|error| {
            let error = AuditError::syncing(error);
            self.dead.get_or_init(|| error.clone());
            error
        })
    }

    /// Brings the file itself to the disk, so that it's found after a crash.
    pub(super) fn sync_folder(&self) -> Result<(), AuditError> {
        self.file.sync_folder()
    }

    /// As `locked`, for a start, when there's nothing else to do than to wait.
    fn patiently(&mut self, work: impl Fn(&mut Self) -> Result<(), AuditError>) -> Result<(), AuditError> {
        let since = Instant::now();
        loop {
            match self.locked(&work) {
                Err(AuditError::Busy) if since.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                other => return other,
            }
        }
    }

    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, AuditError>) -> Result<T, AuditError> {
        for _ in 0..TRIES {
            match self.file.file.try_lock() {
                Ok(()) => {
                    let done = work(self);
                    return self.file.file.unlock().map_err(AuditError::writing).and(done);
                }
                Err(std::fs::TryLockError::WouldBlock) => std::thread::yield_now(),
                Err(std::fs::TryLockError::Error(error)) => return Err(AuditError::writing(error)),
            }
        }
        Err(AuditError::Busy)
    }

    /// Checks, now and then, that the file hasn't been moved away. That it hasn't been deleted is
    /// checked each time: what's written to a moved file is kept, and to a deleted one it isn't.
    fn check_place(&mut self) -> Result<(), AuditError> {
        let now = self.clock.now().ok_or(AuditError::Clock)?;
        if self.in_place.is_none_or(|seen| now.duration_since(seen).abs() >= PLACE_HOLDS) {
            self.in_place = None;
            self.file.check_place()?;
            self.in_place = Some(now);
        }
        Ok(())
    }

    /// Learns what other processes appended, and repairs what one of them left torn.
    fn catch_up(&mut self) -> Result<(), AuditError> {
        let length = self.file.length()?;
        match self.mark {
            Some(mark) if mark.at == length => return Ok(()),
            Some(mark) if mark.at > length => return Err(AuditError::Truncated),
            None | Some(_) => {}
        }
        let tail = Tail::read(&self.file.file, self.mark, length)?.ok_or(AuditError::Foreign)?;
        self.mark = Some(tail.mark);
        if !tail.torn.is_empty() {
            self.file.set_aside(&tail.torn, tail.mark.at)?;
            self.write([(&Body::empty(), &Stamp::with_code(Kind::Error, "torn_tail"))])?;
        }
        Ok(())
    }

    fn write<'a>(&mut self, records: impl IntoIterator<Item = (&'a Body, &'a Stamp)>) -> Result<(), AuditError> {
        let mark = self.mark.ok_or(AuditError::Foreign)?;
        let time = self.clock.now().ok_or(AuditError::Clock)?;
        let time = self.seconds.text(time);
        self.lines.clear();
        self.heads.clear();
        let mut head = mark.head;
        for (body, stamp) in records {
            let before = self.lines.len();
            head = render(body, stamp, &head, time, &mut self.lines);
            if self.lines.len() - before > MAX_LINE {
                return Err(AuditError::TooLong);
            }
            self.heads.push(head);
        }
        self.file.append(&self.lines, mark.at)?;
        let written = u64::try_from(self.lines.len()).unwrap_or_default();
        self.mark = Some(Mark { at: mark.at + written, head });
        Ok(())
    }

    fn verify(&self) -> Result<Report, AuditError> {
        verify_first(&self.file.file, self.file.length()?).map_err(AuditError::reading)
    }

    /// Names the line at which a chain is broken, which takes reading the whole file.
    fn explain(&self, error: AuditError) -> AuditError {
        if error != AuditError::Foreign {
            return error;
        }
        match self.verify() {
            Ok(report) => report.broken().unwrap_or(error),
            Err(unreadable) => unreadable,
        }
    }
}
