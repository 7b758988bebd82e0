//! A connection's bytes, seen going by.
//!
//! Reads are seen above TLS and writes below it. Above, because only there a byte is one of a request; below, because
//! TLS holds back a whole record until the last of it is taken, and a slow reader that does read would pass for one that
//! doesn't.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::pulse::Pulse;

/// How much of what nobody will read is taken at a time.
const DISCARDED: usize = 4096;

/// How much is read at a time: one byte less than makes hyper give a connection a larger buffer. In a larger one it
/// begins at the front only when it's full, and until then all that was read stays in it.
const PIECE: usize = 8 * 1024 - 1;

/// A stream of bytes as a port gives them.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the system forget what wasn't taken when the stream is dropped. Otherwise it would keep that for minutes,
    /// for a client that reads nothing.
    fn forget_unsent(&self);
}

impl Stream for TcpStream {
    fn forget_unsent(&self) {
        // It fails only where there's nothing left to forget.
        let _ = self.set_zero_linger();
    }
}

/// The writing side, on the wire.
#[derive(Debug)]
pub(super) struct Writes<S: Stream> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S: Stream> Writes<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn see<T>(&self, outcome: Poll<T>) -> Poll<T> {
        match &outcome {
            Poll::Ready(_) => self.pulse.wrote(),
            Poll::Pending => self.pulse.blocked(),
        }
        outcome
    }
}

impl<S: Stream> Drop for Writes<S> {
    fn drop(&mut self) {
        if self.pulse.is_blocked() {
            self.stream.forget_unsent();
        }
    }
}

impl<S: Stream> AsyncRead for Writes<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: Stream> AsyncWrite for Writes<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.see(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.see(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The reading side, as HTTP sees it.
#[derive(Debug)]
pub(super) struct Reads<S> {
    stream: S,
    pulse: Arc<Pulse>,
    shut: bool,
}

impl<S> Reads<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, shut: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Reads<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Where something is to be read, an earlier request may still stand, with all that it brought.
        into.initialize_unfilled();
        let mut piece = ReadBuf::new(into.initialize_unfilled_to(into.remaining().min(PIECE)));
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece));
        let heard = piece.filled().len();
        into.advance(heard);
        if heard > 0 {
            self.pulse.heard();
        }
        Poll::Ready(outcome)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Reads<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Says that nothing more comes, then takes in what the client still sends, until it closes too.
    ///
    /// Were the connection closed while some of a refused request is unread, the system would tell the client that it
    /// was reset, and the client would throw away the answer that says why.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.shut = true;
        }
        if !self.pulse.lingers() {
            return Poll::Ready(Ok(()));
        }
        self.pulse.closing();
        // What's refused unread may hold a secret as anything else may.
        let mut space = Zeroizing::new([0; DISCARDED]);
        loop {
            let mut space = ReadBuf::new(space.as_mut_slice());
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
            if space.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
impl Stream for tokio::io::DuplexStream {
    fn forget_unsent(&self) {}
}
