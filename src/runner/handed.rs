//! Values on their way into a program, by a descriptor.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};

use super::job::NotRun;
use crate::memory::Payload;

/// The descriptors in which a program can be given values.
pub(super) const DESCRIPTORS: std::ops::RangeInclusive<i32> = 3..=9;

/// Keeps the descriptors for values free of anything else, until they're needed.
#[derive(Debug)]
pub(super) struct Reserved(Vec<OwnedFd>);

/// Makes something to read a value from, once and in one direction: a pipe that already holds all of it. What's too
/// large for a pipe is put into a file in memory.
pub(super) fn to_read(value: &Payload) -> Result<OwnedFd, NotRun> {
    let refused = |error: io::Error| NotRun::system("no pipe could be made for standard input", error);
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| refused(error.into()))?;
    // Without waiting: nobody reads from it yet.
    rustix::fs::fcntl_setfl(&write, rustix::fs::OFlags::NONBLOCK).map_err(|error| refused(error.into()))?;
    let mut write = std::fs::File::from(write);
    match value.hand_over(|bytes| write.write_all(bytes)) {
        Ok(()) => Ok(read),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => as_file(value),
        Err(error) => Err(refused(error)),
    }
}

/// Puts a value into a file that has no name, lies in memory, and can't be changed any more.
#[cfg(target_os = "linux")]
pub(super) fn as_file(value: &Payload) -> Result<OwnedFd, NotRun> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use std::io::Seek as _;

    let refused = |error: io::Error| NotRun::system("no file in memory could be made for a value", error);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 don't know that a file may be born without the right to be executed.
    let file = memfd_create("value", flags | MemfdFlags::NOEXEC_SEAL).or_else(|_| memfd_create("value", flags));
    let mut file = std::fs::File::from(file.map_err(|error| refused(error.into()))?);
    value.hand_over(|bytes| file.write_all(bytes)).map_err(refused)?;
    file.rewind().map_err(refused)?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)
        .map_err(|error| refused(error.into()))?;
    Ok(file.into())
}

/// Refuses: there are no such files here.
#[cfg(not(target_os = "linux"))]
pub(super) fn as_file(_: &Payload) -> Result<OwnedFd, NotRun> {
    Err(NotRun::System("a value this large can't be handed to a program on this system".to_owned()))
}

/// Something to read a value from, for a descriptor of its own.
pub(super) fn for_descriptor(value: &Payload) -> Result<OwnedFd, NotRun> {
    if cfg!(target_os = "linux") { as_file(value) } else { to_read(value) }
}

impl Reserved {
    /// Occupies those descriptors, so that nothing that's opened from now on gets one of them.
    pub(super) fn hold() -> io::Result<Self> {
        let mut held = Vec::new();
        loop {
            let next = fcntl_dupfd_cloexec(io::stderr().as_fd(), *DESCRIPTORS.start())?;
            if !DESCRIPTORS.contains(&next.as_raw_fd()) {
                return Ok(Self(held));
            }
            held.push(next);
        }
    }

    /// Puts opened files where a program is to find them, and lets it inherit them.
    pub(super) fn place(self, files: Vec<(i32, OwnedFd)>) -> Result<Vec<OwnedFd>, NotRun> {
        drop(self.0);
        let mut placed = Vec::new();
        for (number, file) in files {
            let unusable =
                || NotRun::System(format!("descriptor {number} can't be used: it has to be 3 to 9, and free"));
            if !DESCRIPTORS.contains(&number) {
                return Err(unusable());
            }
            let refused = |error: io::Error| NotRun::system(&format!("descriptor {number} couldn't be set up"), error);
            let there = fcntl_dupfd_cloexec(&file, number).map_err(|error| refused(error.into()))?;
            if there.as_raw_fd() != number {
                return Err(unusable());
            }
            fcntl_setfd(&there, FdFlags::empty()).map_err(|error| refused(error.into()))?;
            placed.push(there);
        }
        Ok(placed)
    }
}
