//! The log as the rest of the program knows it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::appender::{Appender, Fate, PATIENCE, PAUSE};
use super::entry::{Entry, Event, Kind};
use super::error::AuditError;
use super::figures::{Counted, Figures};
use super::group::Group;
use super::hash::RecordHash;
use super::intent::{ABANDONED, Intent, Receipt};
use super::line::{Body, Head, Stamp};
use super::verify::verify;
use crate::model::{Clock, ErrorCode, Standing};

/// How long a record waits for the file's lock where waiting holds up a thread that others need.
const SHORT_PATIENCE: Duration = Duration::from_millis(50);

/// What a record survives once it counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of this process, however it ends: the system has it.
    #[default]
    Write,
    /// The end of the machine: the disk has it.
    Fsync,
}

/// The audit log. Cloning it is cheap; all clones write to one chain.
#[derive(Debug, Clone)]
pub struct AuditLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    writer: Writer,
    /// Set once the chain is found broken; from then on nothing is recorded, so nothing is opened.
    broken: OnceLock<AuditError>,
    /// Why the writer has given up, if it has.
    fate: Fate,
    counted: Counted,
}

/// An intent that's on its way to the disk. Should whoever wants it go away meanwhile, nobody will
/// hold it, and nothing comes of it.
struct Asked<'a> {
    log: &'a AuditLog,
    body: &'a Body,
    handed_over: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.handed_over
            && let Err(error) = self.log.append_now(self.body, Stamp::with_code(Kind::Outcome, ABANDONED))
        {
            tracing::error!(%error, "a request's outcome couldn't be recorded");
        }
    }
}

#[derive(Debug)]
enum Writer {
    /// Writes on the caller's thread: a record takes less time than handing it to another.
    Write(Box<Mutex<Appender>>),
    Fsync(Group),
    /// Refuses everything, and says why.
    Unavailable(AuditError),
}

impl AuditLog {
    /// Opens a log, making it when it isn't there. Reads only its last record, whatever its length.
    ///
    /// # Errors
    ///
    /// When the file can't be opened, isn't private, or doesn't end with a record of an unbroken chain.
    pub fn open(file: &Path, durability: Durability, clock: Clock) -> Result<Self, AuditError> {
        Self::with(file, durability, Appender::open(file, clock)?)
    }

    /// Opens a log whose chain is broken, if `accepted` is the digest [`AuditError::Broken`] gave for
    /// it, and records that its owner accepted the break.
    ///
    /// # Errors
    ///
    /// As [`AuditLog::open`], and when the file has changed since.
    pub fn open_accepting_break(
        file: &Path,
        durability: Durability,
        clock: Clock,
        accepted: RecordHash,
    ) -> Result<Self, AuditError> {
        Self::with(file, durability, Appender::open_accepting(file, clock, accepted)?)
    }

    /// A log that refuses every record, so that a server can start and say what's wrong.
    #[must_use]
    pub fn unavailable(file: &Path, why: AuditError) -> Self {
        Self::on(file, Writer::Unavailable(why), Fate::default())
    }

    fn with(file: &Path, durability: Durability, appender: Appender) -> Result<Self, AuditError> {
        let fate = appender.fate();
        let writer = match durability {
            Durability::Write => Writer::Write(Box::new(Mutex::new(appender))),
            Durability::Fsync => Writer::Fsync(Group::start(appender)?),
        };
        Ok(Self::on(file, writer, fate))
    }

    fn on(file: &Path, writer: Writer, fate: Fate) -> Self {
        let (file, broken, counted) = (file.to_owned(), OnceLock::new(), Counted::new());
        Self(Arc::new(Inner { file, writer, broken, fate, counted }))
    }

    /// Checks every record, which takes about 3 µs each. A break makes the log refuse all further
    /// records, until its owner accepts it.
    ///
    /// # Errors
    ///
    /// The break, with the digest by which it can be accepted.
    pub fn check_whole(&self) -> Result<(), AuditError> {
        // A file that can't be read is for the next record to complain of.
        let Ok(report) = verify(&self.0.file) else { return Ok(()) };
        match report.broken() {
            None => Ok(()),
            Some(broken) => Err(self.0.broken.get_or_init(|| broken).clone()),
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// How many records were written since it was opened, and how long that took.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.0.counted.read()
    }

    /// Whether records can be written, as far as is known without writing one.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let has_stopped = match &self.0.writer {
            Writer::Write(_) => false,
            Writer::Fsync(group) => group.has_stopped(),
            Writer::Unavailable(_) => true,
        };
        if has_stopped || self.0.broken.get().is_some() || self.0.fate.get().is_some() {
            Standing::Down
        } else {
            self.0.counted.standing()
        }
    }

    /// Records that a request was allowed, before anything is opened for it.
    ///
    /// # Errors
    ///
    /// When it can't be recorded: nothing may be opened.
    pub async fn intent(&self, entry: Entry<'_>) -> Result<Intent, AuditError> {
        let body = Body::of_entry(&entry);
        let mut asked = Asked { log: self, body: &body, handed_over: false };
        let head = self.append(&body, &Stamp::of(Kind::Intent), &mut asked.handed_over).await;
        asked.handed_over = false;
        drop(asked);
        Ok(Intent::new(self.clone(), body, entry.request, head?))
    }

    /// Records that a request was refused.
    ///
    /// # Errors
    ///
    /// When it can't be recorded.
    pub async fn refusal(&self, entry: Entry<'_>, code: ErrorCode) -> Result<Receipt, AuditError> {
        self.record(&Body::of_entry(&entry), &Stamp::with_code(Kind::Denied, code.as_str())).await
    }

    /// Records a request that never got as far as a decision.
    ///
    /// # Errors
    ///
    /// When it can't be recorded.
    pub async fn failure(&self, entry: Entry<'_>, code: ErrorCode) -> Result<Receipt, AuditError> {
        self.record(&Body::of_entry(&entry), &Stamp::with_code(Kind::Error, code.as_str())).await
    }

    /// Records what happened to the program itself.
    ///
    /// # Errors
    ///
    /// When it can't be recorded.
    pub async fn event(&self, event: Event<'_>) -> Result<Receipt, AuditError> {
        let (body, stamp) = Body::of_event(&event);
        self.record(&body, &stamp).await
    }

    async fn record(&self, body: &Body, stamp: &Stamp) -> Result<Receipt, AuditError> {
        self.append(body, stamp, &mut false).await.map(Receipt::new)
    }

    /// Appends one record, waiting a while for a file that another process has locked. Sets
    /// `handed_over` when there's no way back: the record is written, or on its way, or refused.
    pub(super) async fn append(&self, body: &Body, stamp: &Stamp, handed_over: &mut bool) -> Result<Head, AuditError> {
        let under_way = self.0.counted.begin();
        under_way.end(self.write(body, stamp, handed_over).await)
    }

    async fn write(&self, body: &Body, stamp: &Stamp, handed_over: &mut bool) -> Result<Head, AuditError> {
        if let Some(broken) = self.0.broken.get() {
            *handed_over = true;
            return Err(broken.clone());
        }
        // Found here, it spoils no other record that would go out in one write with it.
        if !body.fits() {
            return Err(AuditError::TooLong);
        }
        let appender = match &self.0.writer {
            Writer::Write(appender) => appender,
            Writer::Fsync(group) => return Box::pin(group.append(body, stamp, handed_over)).await,
            Writer::Unavailable(why) => {
                *handed_over = true;
                return Err(why.clone());
            }
        };
        let mut since = None;
        loop {
            let tried = append_once(appender, body, stamp);
            if tried != Err(AuditError::Busy)
                || since.get_or_insert_with(tokio::time::Instant::now).elapsed() > PATIENCE
            {
                *handed_over = true;
                return tried;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Appends one record where nothing can be awaited.
    pub(super) fn append_now(&self, body: &Body, stamp: Stamp) -> Result<(), AuditError> {
        let under_way = self.0.counted.begin();
        under_way.end(self.write_now(body, stamp))
    }

    fn write_now(&self, body: &Body, stamp: Stamp) -> Result<(), AuditError> {
        if let Some(broken) = self.0.broken.get() {
            return Err(broken.clone());
        }
        let appender = match &self.0.writer {
            Writer::Write(appender) => appender,
            Writer::Fsync(group) => return group.append_now(body.clone(), stamp),
            Writer::Unavailable(why) => return Err(why.clone()),
        };
        let since = Instant::now();
        loop {
            let tried = append_once(appender, body, &stamp);
            if tried != Err(AuditError::Busy) || since.elapsed() > SHORT_PATIENCE {
                return tried.map(drop);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

fn append_once(appender: &Mutex<Appender>, body: &Body, stamp: &Stamp) -> Result<Head, AuditError> {
    let mut appender = appender.lock().unwrap_or_else(PoisonError::into_inner);
    let heads = appender.append([(body, stamp)])?;
    heads.last().copied().ok_or(AuditError::Stopped)
}
