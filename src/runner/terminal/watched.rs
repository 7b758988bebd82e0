//! A descriptor that's waited for without holding up anything else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::unix::AsyncFd;

/// A pipe's or a terminal's descriptor.
pub(super) struct Watched(AsyncFd<OwnedFd>);

impl Watched {
    /// Watches a descriptor. Reading and writing it mustn't wait, so whoever opened it has said so to the system.
    #[expect(deprecated, reason = "what can go wrong with it can't with an OwnedFd, which stays open and the same")]
    pub(super) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self(AsyncFd::new(descriptor)?))
    }

    /// Waits until there's something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }

    /// Whether there's something to read, or nothing will ever come. A terminal is asked to look for what's been printed
    /// but hasn't come through yet, which it doesn't when it's asked how many bytes there are.
    pub(super) fn is_readable(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(self, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Reads what there is. A call that's dropped loses nothing.
    pub(super) async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|from| Ok(rustix::io::read(from.get_ref(), &mut *into)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => return read,
                Err(_would_wait) => {}
            }
        }
    }

    /// Writes everything.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.0.writable().await?;
            match ready.try_io(|to| Ok(rustix::io::write(to.get_ref(), bytes)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(written) => bytes = bytes.get(written?..).unwrap_or_default(),
                Err(_would_wait) => {}
            }
        }
        Ok(())
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
