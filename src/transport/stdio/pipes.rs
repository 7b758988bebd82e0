//! The process's own standard streams, without threads where that's possible.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::{FileType, fstat};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
#[cfg(target_os = "linux")]
use tokio::net::unix::pipe;

/// Standard input and output as a transport reads and writes them.
///
/// Clients start a server with pipes (Python, Rust, shells) or with sockets (Node). Both are driven by the runtime's
/// poller, so that a message doesn't cross a thread; that's worth half of its time. Files and terminals go through
/// the runtime's blocking threads.
#[derive(Debug)]
pub struct Pipes {
    pub(super) input: Input,
    pub(super) output: Output,
}

/// Where messages come from.
#[derive(Debug)]
pub(super) enum Input {
    #[cfg(target_os = "linux")]
    Pipe(pipe::Receiver),
    Socket(UnixStream),
    Blocking(tokio::io::Stdin),
}

/// Where answers go.
#[derive(Debug)]
pub(super) enum Output {
    #[cfg(target_os = "linux")]
    Pipe(pipe::Sender),
    Socket(UnixStream),
    Blocking(tokio::io::Stdout),
}

impl Pipes {
    /// Opens the standard streams. Call it inside a runtime with I/O enabled, once per process.
    ///
    /// It can't fail: what can't be polled is read and written by blocking threads. In that case a read that never
    /// returns can outlive the server, so the runtime has to be shut down without waiting for its threads.
    #[must_use]
    pub fn open() -> Self {
        Self { input: Input::open(&std::io::stdin()), output: Output::open(&std::io::stdout()) }
    }
}

/// Whether nobody can read standard output any more: the other end of a pipe or a socket is closed.
pub(super) fn nobody_reads() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdout = std::io::stdout();
    let mut file = [PollFd::new(&stdout, PollFlags::empty())];
    let looked = poll(&mut file, Some(&Timespec::default()));
    // What isn't asked for is told anyway.
    let [file] = file;
    looked.is_ok() && file.revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)
}

impl Input {
    fn open(stdin: &impl AsFd) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(pipe) =
            reopen(stdin, rustix::fs::OFlags::RDONLY).and_then(|fd| pipe::Receiver::from_owned_fd(fd).ok())
        {
            return Self::Pipe(pipe);
        }
        socket(stdin).map_or_else(|| Self::Blocking(tokio::io::stdin()), Self::Socket)
    }
}

impl Output {
    fn open(stdout: &impl AsFd) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(pipe) =
            reopen(stdout, rustix::fs::OFlags::WRONLY).and_then(|fd| pipe::Sender::from_owned_fd(fd).ok())
        {
            return Self::Pipe(pipe);
        }
        socket(stdout).map_or_else(|| Self::Blocking(tokio::io::stdout()), Self::Socket)
    }
}

fn is(fd: &impl AsFd, kind: FileType) -> bool {
    fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == kind)
}

/// Opens a pipe anew, so that not blocking is a property of ours and not of those who share the old one.
///
/// A pipe made by another user can't be opened anew, and neither can one whose other end is gone.
#[cfg(target_os = "linux")]
fn reopen(fd: &impl AsFd, direction: rustix::fs::OFlags) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{Mode, OFlags};

    let path = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let kind = is(fd, FileType::Fifo).then_some(direction | OFlags::NONBLOCK | OFlags::CLOEXEC)?;
    rustix::fs::open(path, kind, Mode::empty()).ok().filter(|new| is(new, FileType::Fifo))
}

/// A socket can't be opened anew, so not blocking is set on the one we were given. Its peer isn't touched by that.
fn socket(fd: &impl AsFd) -> Option<UnixStream> {
    let owned: OwnedFd = is(fd, FileType::Socket).then(|| fd.as_fd().try_clone_to_owned().ok())??;
    let stream = StdUnixStream::from(owned);
    stream.set_nonblocking(true).ok()?;
    UnixStream::from_std(stream).ok()
}

impl AsyncRead for Input {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => Pin::new(pipe).poll_read(cx, buf),
            Self::Socket(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Blocking(stdin) => Pin::new(stdin).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => Pin::new(pipe).poll_write(cx, bytes),
            Self::Socket(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Blocking(stdout) => Pin::new(stdout).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => Pin::new(pipe).poll_flush(cx),
            Self::Socket(socket) => Pin::new(socket).poll_flush(cx),
            Self::Blocking(stdout) => Pin::new(stdout).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => Pin::new(pipe).poll_shutdown(cx),
            Self::Socket(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Blocking(stdout) => Pin::new(stdout).poll_shutdown(cx),
        }
    }
}
