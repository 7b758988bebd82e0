//! Memory pages that belong to one thing and leave no trace.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use rustix::mm::{self, MapFlags, MprotectFlags, ProtFlags};
use zeroize::Zeroize;

use super::Refusal;

/// How well pages are kept from being seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// The kernel took them out of its own map: no debugger and no `/proc/…/mem` reads them, not
    /// even as root; never swapped, dumped or inherited. While they exist the machine can't
    /// hibernate, which would have written them to disk.
    Hidden,
    /// Never swapped, dumped or inherited.
    Locked,
    /// Ordinary memory: the system refused, so they may be swapped or dumped.
    Open(Refusal),
}

impl Protection {
    /// The protection as one fixed word, for records and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Locked => "locked",
            Self::Open(_) => "open",
        }
    }
}

/// One page between two that can't be touched, wiped and unmapped on drop.
///
/// The pages around it turn a read or write past its ends, by whatever code, into a crash instead
/// of a leak.
pub(super) struct Page {
    start: NonNull<u8>,
    size: usize,
    protection: Protection,
}

// SAFETY: the page is owned by this value alone and isn't tied to a thread; shared access only reads.
unsafe impl Send for Page {}
// SAFETY: as above: writing takes `&mut self`.
unsafe impl Sync for Page {}

impl Page {
    /// A page of zeros, as well protected as the system allows.
    pub(super) fn new() -> Result<Self, Refusal> {
        let size = rustix::param::page_size();
        let reserved = Reserved::new(size)?;
        if hide(reserved.middle(), size).is_ok() {
            return Ok(Self { start: reserved.keep()?, size, protection: Protection::Hidden });
        }
        // Some kernels leave a hole where such a mapping failed. The pages are given up for good
        // (address space, no memory), because anything may be mapped in that hole by now.
        std::mem::forget(reserved);
        Self::ordinary(size)
    }

    fn ordinary(size: usize) -> Result<Self, Refusal> {
        let reserved = Reserved::new(size)?;
        open(reserved.middle(), size)?;
        let protection = match lock(reserved.middle(), size) {
            Ok(()) => Protection::Locked,
            Err(refusal) => Protection::Open(refusal),
        };
        Ok(Self { start: reserved.keep()?, size, protection })
    }

    pub(super) fn protection(&self) -> Protection {
        self.protection
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the page is mapped readable for as long as `self` lives, was zeroed by the kernel
        // and is written only through `&mut self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` is the only way in.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.size) }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        let reserved = self.start.as_ptr().wrapping_sub(self.size);
        // SAFETY: the three pages were mapped together in `Reserved::new`, and nothing refers to
        // them any more. Unmapping unlocks.
        let unmapped = unsafe { mm::munmap(reserved.cast(), self.size * 3) };
        debug_assert!(unmapped.is_ok(), "these pages were mapped here");
    }
}

/// Three untouchable pages: unmapped on drop unless kept.
struct Reserved {
    start: *mut c_void,
    size: usize,
}

impl Reserved {
    fn new(size: usize) -> Result<Self, Refusal> {
        // SAFETY: a new private mapping at an address the kernel chooses touches nothing else.
        let start = unsafe { mm::mmap_anonymous(ptr::null_mut(), size * 3, ProtFlags::empty(), MapFlags::PRIVATE) }?;
        Ok(Self { start, size })
    }

    fn middle(&self) -> *mut c_void {
        self.start.cast::<u8>().wrapping_add(self.size).cast()
    }

    fn keep(self) -> Result<NonNull<u8>, Refusal> {
        let middle = NonNull::new(self.middle().cast()).ok_or(Refusal::System)?;
        std::mem::forget(self);
        Ok(middle)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // SAFETY: the pages were mapped in `new` and nothing was handed out.
        let unmapped = unsafe { mm::munmap(self.start, self.size * 3) };
        debug_assert!(unmapped.is_ok(), "these pages were mapped here");
    }
}

/// Makes a reserved page usable as ordinary memory.
fn open(page: *mut c_void, size: usize) -> Result<(), Refusal> {
    // SAFETY: the page is reserved by the caller and nobody holds a reference into it.
    unsafe { mm::mprotect(page, size, MprotectFlags::READ | MprotectFlags::WRITE) }?;
    Ok(())
}

/// Locks an open page into memory and keeps it out of dumps and children.
fn lock(page: *mut c_void, size: usize) -> Result<(), Refusal> {
    // SAFETY: locking changes where the page may live, not what it holds.
    unsafe { mm::mlock(page, size) }?;
    withhold(page, size)
}

#[cfg(target_os = "linux")]
fn withhold(page: *mut c_void, size: usize) -> Result<(), Refusal> {
    for advice in [mm::Advice::LinuxDontDump, mm::Advice::LinuxDontFork] {
        // SAFETY: both concern dumps and child processes; neither changes the page in this one.
        unsafe { mm::madvise(page, size, advice) }?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn withhold(_: *mut c_void, _: usize) -> Result<(), Refusal> {
    // Elsewhere dumps are held off by the process limit that `harden` sets.
    Ok(())
}

/// Puts memory that the kernel itself can't read in the place of a reserved page.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")
))]
fn hide(page: *mut c_void, size: usize) -> Result<(), Refusal> {
    use std::ffi::{c_int, c_long};
    use std::os::fd::{FromRawFd, OwnedFd};

    /// The call's number, the same on all of these architectures.
    const MEMFD_SECRET: c_long = 447;
    const CLOSE_ON_EXEC: c_int = 0o2_000_000;

    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }

    // SAFETY: `memfd_secret` takes one integer, touches no memory of ours and gives a descriptor or -1.
    let descriptor = unsafe { syscall(MEMFD_SECRET, CLOSE_ON_EXEC) };
    let descriptor = i32::try_from(descriptor).ok().filter(|fd| *fd >= 0).ok_or(Refusal::Unsupported)?;
    // SAFETY: the kernel just made it for us, so nobody else owns it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    rustix::fs::ftruncate(&descriptor, u64::try_from(size).map_err(|_| Refusal::System)?)?;
    // SAFETY: the page is reserved by the caller and untouched, so replacing it takes nothing from
    // anybody. The kernel checks the limit on locked memory here.
    unsafe {
        mm::mmap(page, size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED | MapFlags::FIXED, &descriptor, 0)
    }?;
    // A shared mapping would otherwise be inherited by a child that forks.
    withhold(page, size)
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")
)))]
fn hide(_: *mut c_void, _: usize) -> Result<(), Refusal> {
    Err(Refusal::Unsupported)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
