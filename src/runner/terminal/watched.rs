//! A descriptor that's waited for without holding up anything else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use tokio::io::unix::AsyncFd;

/// A pipe's or a terminal's descriptor.
pub(super) struct Watched(AsyncFd<OwnedFd>);

impl Watched {
    /// Watches a descriptor. Reading and writing it mustn't wait, so whoever opened it has said so to the system.
    #[expect(deprecated, reason = "what can go wrong with it can't with an OwnedFd, which stays open and the same")]
    pub(super) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self(AsyncFd::new(descriptor)?))
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
