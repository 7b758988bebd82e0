//! The attendant: starts the program, waits for it, and passes on what it's told.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, WaitOptions, ioctl_tiocsctty, kill_process, kill_process_group, setsid, waitpid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use tokio::select;
use tokio::signal::unix::{self, SignalKind};

use super::link::{Link, take_over};
use super::message::{News, Order, Stage};
use super::signals::{Signals, is_of_a_key};
use super::variables::Variable;
use crate::runner::processes::own_group;

/// What starts a program.
struct Wanted {
    path: OsString,
    name: OsString,
    arguments: Vec<OsString>,
}

/// A program that was started.
struct Attended {
    process: Pid,
    on_a_terminal: bool,
}

/// What's done under the attendant's word: the rest of the command line is a program's path, name and arguments.
#[must_use]
pub fn attend(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let (Some(path), Some(name)) = (arguments.next(), arguments.next()) else { return ExitCode::from(2) };
    let wanted = Wanted { path, name, arguments: arguments.collect() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Whoever isn't opward gets no further: there's no socket where it should be.
    match runtime.map(|runtime| runtime.block_on(wanted.attend())) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) | Err(_) => ExitCode::from(2),
    }
}

impl Wanted {
    async fn attend(self) -> io::Result<()> {
        // What's sent to all in a group is for the program. Who waits for it must be there when it has ended.
        let mut signals = Signals::listen();
        let mut children = unix::signal(SignalKind::child())?;
        let socket = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
        let handed = take_over(&socket).ok_or(io::ErrorKind::InvalidInput)?;
        let mut link = Link::of(socket)?;
        let Some(variables) = link.variables().await else { return Ok(()) };
        let program = match self.start(handed, variables) {
            Ok(program) => program,
            Err(error) => {
                link.send(News::NotStarted(error.raw_os_error().unwrap_or_default())).await;
                return Ok(());
            }
        };
        link.send(News::Started(program.process.as_raw_nonzero().get())).await;
        loop {
            // Before waiting: what happened since the start has been signalled already, or will be.
            if let Some(news) = program.news() {
                link.send(news).await;
                if matches!(news, News::Exited(_) | News::Killed(_)) {
                    return Ok(());
                }
            }
            select! {
                order = link.next() => {
                    let Some(order) = order else {
                        program.end();
                        return Ok(());
                    };
                    program.obey(order);
                }
                _ = children.recv() => {}
                _ = signals.next() => {}
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "it's the person's own command")]
    fn start(self, (stage, descriptors): (Stage, Vec<OwnedFd>), variables: Vec<Variable>) -> io::Result<Attended> {
        let mut descriptors = descriptors.into_iter();
        let (Some(stdin), Some(stdout), Some(stderr)) = (descriptors.next(), descriptors.next(), descriptors.next())
        else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let terminal = descriptors.next();
        let mut command = Command::new(self.path);
        command.arg0(self.name).args(self.arguments).stdin(stdin).stdout(stdout).stderr(stderr);
        for Variable { name, value } in variables {
            command.env(name, OsStr::from_bytes(&value));
        }
        if let Some(terminal) = &terminal {
            setsid()?;
            ioctl_tiocsctty(terminal)?;
            // A group of its own, or nothing could stop it.
            command.process_group(0);
        }
        let child = command.spawn()?;
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        if let Some(terminal) = &terminal
            && stage == Stage::Foreground
        {
            // It may have begun already, and been stopped for using what wasn't its own yet: see `news`.
            tcsetpgrp(terminal, process)?;
        }
        Ok(Attended { process, on_a_terminal: terminal.is_some() })
    }
}

impl Attended {
    /// What has become of the program since the last look, if that's news.
    fn news(&self) -> Option<News> {
        loop {
            let (_, status) = match waitpid(Some(self.process), WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some(found)) => found,
                Err(rustix::io::Errno::INTR) => continue,
                Ok(None) => return None,
                // Somebody else has buried it, which can't be.
                Err(_) => return Some(News::Exited(255)),
            };
            if let Some(code) = status.exit_status() {
                return Some(News::Exited(code));
            }
            if let Some(signal) = status.terminating_signal() {
                return Some(News::Killed(signal));
            }
            let signal = status.stopping_signal()?;
            if !self.on_a_terminal {
                // Whoever stopped it there stopped opward, too, or means it alone.
                return None;
            }
            let for_the_terminal = signal == Signal::TTIN.as_raw() || signal == Signal::TTOU.as_raw();
            if for_the_terminal && terminals_group() == Some(self.process) {
                // It was quicker than the terminal's being given to it.
                self.signal(Signal::CONT);
                continue;
            }
            return Some(News::Stopped(signal));
        }
    }

    fn obey(&self, order: Order) {
        match order {
            Order::Foreground => {
                // Where others have it, the program has given it to them itself.
                if let Ok(terminal) = terminal()
                    && tcgetpgrp(&terminal).is_ok_and(|group| Some(group) == own_group())
                {
                    let _ = tcsetpgrp(&terminal, self.process);
                }
                self.signal(Signal::CONT);
            }
            Order::Continue => self.signal(Signal::CONT),
            Order::Signal(signal) => {
                if let Some(signal) = Signal::from_named_raw(signal) {
                    self.signal(signal);
                }
            }
        }
    }

    /// Signals that keys send go to the whole group, as from a terminal; the others to the program, as from `kill`.
    fn signal(&self, signal: Signal) {
        // It may have ended: it isn't buried yet, so its number is no other's.
        let _ = if self.on_a_terminal && (is_of_a_key(signal) || signal == Signal::CONT) {
            kill_process_group(self.process, signal)
        } else {
            kill_process(self.process, signal)
        };
    }

    /// opward is gone. On a terminal it's as if that had been closed.
    fn end(&self) {
        if self.on_a_terminal {
            let _ = kill_process_group(self.process, Signal::HUP);
        } else {
            let _ = kill_process(self.process, Signal::TERM);
        }
        self.signal(Signal::CONT);
    }
}

/// The terminal of this session.
fn terminal() -> rustix::io::Result<OwnedFd> {
    open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
}

/// The group in the foreground of it.
fn terminals_group() -> Option<Pid> {
    tcgetpgrp(terminal().ok()?.as_fd()).ok()
}
