//! Durability against a crash of the machine: one thread writes the records that arrive together,
//! brings them to the disk at once, and only then tells those who wait.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::appender::{Appender, PATIENCE, PAUSE};
use super::error::AuditError;
use super::line::{Body, Head, Stamp};

/// How many records may wait for the disk.
const QUEUE: usize = 1024;

/// How many go out in one write.
const GROUP: usize = 256;

/// The way to the thread that writes. Dropped, it waits until what's queued is on the disk.
#[derive(Debug)]
pub(super) struct Group {
    /// `None` only while it's dropped.
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    body: Body,
    stamp: Stamp,
    done: oneshot::Sender<Result<Head, AuditError>>,
}

impl Group {
    pub(super) fn start(appender: Appender) -> Result<Self, AuditError> {
        appender.sync_folder()?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || run(appender, jobs))
            .map_err(AuditError::opening)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Whether nobody writes any more what's queued.
    pub(super) fn has_stopped(&self) -> bool {
        self.queue.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    /// Queues a record and waits until it's on the disk. Sets `handed_over` once it's queued.
    pub(super) async fn append(&self, body: &Body, stamp: &Stamp, handed_over: &mut bool) -> Result<Head, AuditError> {
        let (done, written) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(AuditError::Stopped)?;
        let place = queue.reserve().await;
        *handed_over = true;
        place.map_err(|_| AuditError::Stopped)?.send(Job { body: body.clone(), stamp: stamp.clone(), done });
        written.await.map_err(|_| AuditError::Stopped)?
    }

    /// Queues a record and doesn't wait.
    pub(super) fn append_now(&self, body: Body, stamp: Stamp) -> Result<(), AuditError> {
        let (done, _) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(AuditError::Stopped)?;
        queue.try_send(Job { body, stamp, done }).map_err(|_| AuditError::Stopped)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the audit log's writer has failed");
        }
    }
}

fn run(mut appender: Appender, mut jobs: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        let written = write(&mut appender, &group);
        for (index, job) in group.drain(..).enumerate() {
            let result = match &written {
                Ok(heads) => heads.get(index).copied().ok_or(AuditError::Stopped),
                Err(error) => Err(error.clone()),
            };
            // Nobody waits for the outcome of an abandoned request.
            let _ = job.done.send(result);
        }
    }
}

fn write(appender: &mut Appender, group: &[Job]) -> Result<Vec<Head>, AuditError> {
    let until = Instant::now() + PATIENCE;
    let heads = loop {
        match appender.append(group.iter().map(|job| (&job.body, &job.stamp))) {
            Err(AuditError::Busy) if Instant::now() < until => std::thread::sleep(PAUSE),
            other => break other.map(<[Head]>::to_vec)?,
        }
    };
    appender.sync()?;
    Ok(heads)
}
