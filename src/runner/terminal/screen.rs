//! The person's terminal, and one made like it for the program.

use std::io::IsTerminal as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, unlockpt};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr, tcsetwinsize, ttyname};

use super::watched::Watched;
use crate::runner::processes::own_group;

/// The person's terminal. Dropping it leaves it as it was found.
pub(super) struct Screen {
    keys: Arc<Watched>,
    /// How it was, while each key goes to the program as it is.
    before: Option<Termios>,
}

/// A terminal for the program: what's typed goes into the one end, and what's printed comes out of it.
pub(super) struct Pair {
    pub(super) outer: OwnedFd,
    pub(super) inner: OwnedFd,
}

impl Screen {
    /// Opens the terminal that standard input is, or the session's where that's something else.
    pub(super) fn open() -> Option<Self> {
        // An opening of our own: that reads of it don't wait is nobody else's business.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let of = |path: &Path| open(path, flags, Mode::empty()).ok();
        let terminal = if std::io::stdin().is_terminal() {
            let named = ttyname(stdin(), Vec::new()).ok();
            let opened = named.and_then(|name| open(name, flags, Mode::empty()).ok());
            // Its name may mean nothing here, as in a container.
            opened.or_else(|| rustix::io::fcntl_dupfd_cloexec(stdin(), 3).ok())
        } else {
            of(Path::new("/dev/tty"))
        };
        let keys = Arc::new(Watched::new(terminal?).ok()?);
        Some(Self { keys, before: None })
    }

    /// Where keys come from.
    pub(super) fn keys(&self) -> Arc<Watched> {
        Arc::clone(&self.keys)
    }

    /// Has each key come as it is from now on, if opward may: not from the background.
    pub(super) fn claim(&mut self) -> bool {
        if !is_in_front(self.keys.as_fd()) {
            return false;
        }
        if self.before.is_none() {
            let Ok(before) = tcgetattr(&*self.keys) else { return false };
            let mut raw = before.clone();
            raw.make_raw();
            if tcsetattr(&*self.keys, OptionalActions::Drain, &raw).is_err() {
                return false;
            }
            self.before = Some(before);
        }
        true
    }

    /// How it was before it was claimed.
    pub(super) fn before(&self) -> Option<&Termios> {
        self.before.as_ref()
    }

    /// Leaves it as it was.
    pub(super) fn release(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = tcsetattr(&*self.keys, OptionalActions::Drain, &before);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.release();
    }
}

impl Pair {
    /// Makes a terminal that has the settings and the size of the one that standard output is.
    pub(super) fn like_ours() -> rustix::io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        #[cfg(target_os = "linux")]
        let flags = flags | OpenptFlags::CLOEXEC;
        let outer = openpt(flags)?;
        grantpt(&outer)?;
        unlockpt(&outer)?;
        let inner = inner(&outer)?;
        if let Ok(settings) = tcgetattr(stdout()) {
            tcsetattr(&inner, OptionalActions::Now, &settings)?;
        }
        resize(outer.as_fd());
        rustix::fs::fcntl_setfl(&outer, rustix::fs::fcntl_getfl(&outer)? | OFlags::NONBLOCK)?;
        Ok(Self { outer, inner })
    }
}

#[cfg(target_os = "linux")]
fn inner(outer: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    // Not by its name, which may be another's in a container.
    rustix::pty::ioctl_tiocgptpeer(outer, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
}

#[cfg(not(target_os = "linux"))]
fn inner(outer: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let name = rustix::pty::ptsname(outer, Vec::new())?;
    open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
}

/// Gives a terminal the size of the one that standard output is.
pub(super) fn resize(terminal: BorrowedFd<'_>) {
    if let Ok(size) = tcgetwinsize(stdout()) {
        let _ = tcsetwinsize(terminal, size);
    }
}

/// Whether opward is in the foreground of its session's terminal, and gets what keys send.
pub(super) fn gets_keys() -> bool {
    let terminal = open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty());
    terminal.is_ok_and(|terminal| is_in_front(terminal.as_fd()))
}

/// Whether keys are this group's. A terminal that's no session's has no foreground to be out of.
fn is_in_front(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| Some(group) == own_group())
}
