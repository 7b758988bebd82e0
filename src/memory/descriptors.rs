//! What was open when opward was started stays with opward.

use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// The first descriptor that isn't a standard stream.
const FIRST: RawFd = 3;

/// How far is looked where the system can't be asked for all at once.
const FAR: RawFd = 4096;

/// Keeps all open files but the standard streams from processes that this one starts.
///
/// Files that opward opens itself are like that anyway; those it was started with may not be.
pub fn keep_descriptors() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: it takes three numbers, touches no memory, and closes nothing in this process.
        let done = unsafe { libc::syscall(libc::SYS_close_range, FIRST, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
        if done == 0 {
            return;
        }
    }
    for number in FIRST..FAR {
        // SAFETY: the number is only used for this one call, which fails for one that isn't open; nothing is closed.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl_setfd(file, FdFlags::CLOEXEC);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use rustix::io::fcntl_getfd;

    use super::*;

    #[test]
    fn a_file_that_children_would_inherit_no_longer_is() {
        let file = std::fs::File::open("/dev/null").unwrap();
        fcntl_setfd(&file, FdFlags::empty()).unwrap();
        keep_descriptors();
        assert_eq!(fcntl_getfd(file.as_fd()).unwrap(), FdFlags::CLOEXEC);
        assert_eq!(fcntl_getfd(std::io::stderr().as_fd()).unwrap(), FdFlags::empty());
    }
}
