//! Where output goes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// One of our own outputs, to be written to.
pub(super) struct Sink(Arc<OwnedFd>);

impl Sink {
    pub(super) fn of(stream: impl AsFd) -> io::Result<Self> {
        Ok(Self(Arc::new(rustix::io::fcntl_dupfd_cloexec(stream, 3)?)))
    }

    /// Writes everything, and empties the buffer. It's done on another thread: a file can't be waited for otherwise.
    pub(super) async fn write(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (to, mut taken) = (Arc::clone(&self.0), std::mem::take(bytes));
        let writing = tokio::task::spawn_blocking(move || {
            let done = write_all(to.as_fd(), &taken);
            taken.clear();
            (taken, done)
        });
        let (taken, done) = writing.await.map_err(|_| io::ErrorKind::Other)?;
        *bytes = taken;
        done
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Whoever shares it with us has said that writes don't wait. That isn't ours to change.
            Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&to, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    use super::*;

    #[tokio::test]
    async fn nothing_is_lost_where_writes_do_not_wait() {
        let (mut from, to) = io::pipe().unwrap();
        fcntl_setfl(&to, fcntl_getfl(&to).unwrap() | OFlags::NONBLOCK).unwrap();
        let sink = Sink::of(&to).unwrap();
        drop(to);
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            from.read_to_end(&mut all).map(|_| all)
        });
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut buffer = bytes.clone();
        sink.write(&mut buffer).await.unwrap();
        assert!(buffer.is_empty());
        drop(sink);
        assert!(reader.join().unwrap().unwrap() == bytes);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn what_cannot_be_written_is_said() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = Sink::of(full).unwrap().write(&mut b"text".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let (from, to) = io::pipe().unwrap();
        drop(from);
        let error = Sink::of(to).unwrap().write(&mut b"text".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
