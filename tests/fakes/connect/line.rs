//! Connections that can be told to misbehave: what no handler above HTTP can do.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// How a connection treats what's written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it should.
    Sound,
    /// It's gone, without a byte.
    Reset,
    /// The headers go out, and nothing after them.
    HangAfterHeaders,
    /// The body goes out at so many bytes a second.
    Slow(u32),
    /// It's closed after so many bytes of the body.
    CutAfter(usize),
}

/// A connection's shape, which the answer to a request changes.
#[derive(Debug, Clone)]
pub(crate) struct Switch(Arc<Mutex<Shape>>);

/// A listener whose connections have a [`Switch`].
pub(crate) struct Lines(TcpListener);

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    switch: Switch,
    /// How much of the blank line after the headers has been seen.
    blank: usize,
    body_sent: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

const BLANK_LINE: &[u8] = b"\r\n\r\n";

impl Switch {
    pub(crate) fn set(&self, shape: Shape) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = shape;
    }

    fn shape(&self) -> Shape {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        let switch = Switch(Arc::new(Mutex::new(Shape::Sound)));
        (Line { stream, switch, blank: 0, body_sent: 0, pause: None }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Lines>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().switch.clone()
    }
}

impl Line {
    fn in_body(&self) -> bool {
        self.blank == BLANK_LINE.len()
    }

    /// How many of these bytes still belong to the headers.
    fn headers_in(&self, bytes: &[u8]) -> (usize, usize) {
        let mut blank = self.blank;
        for (at, byte) in bytes.iter().enumerate() {
            blank = match BLANK_LINE.get(blank) {
                Some(expected) if expected == byte => blank + 1,
                _ if *byte == b'\r' => 1,
                _ => 0,
            };
            if blank == BLANK_LINE.len() {
                return (at + 1, blank);
            }
        }
        (bytes.len(), blank)
    }

    fn write_headers(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (headers, _) = self.headers_in(bytes);
        let headers = bytes.get(..headers).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, headers))?;
        // What was written is what counts, should it be less.
        (_, self.blank) = self.headers_in(headers.get(..written).unwrap_or(headers));
        Poll::Ready(Ok(written))
    }

    fn write_body(&mut self, cx: &mut Context<'_>, bytes: &[u8], most: usize) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes.get(..most).unwrap_or(bytes)))?;
        self.body_sent += written;
        Poll::Ready(Ok(written))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        match line.switch.shape() {
            Shape::Sound => Pin::new(&mut line.stream).poll_write(cx, bytes),
            Shape::Reset => {
                let _ = line.stream.set_zero_linger();
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            _ if !line.in_body() => line.write_headers(cx, bytes),
            // Nobody wakes it: reading still notices when the other side leaves.
            Shape::HangAfterHeaders => Poll::Pending,
            Shape::CutAfter(limit) if line.body_sent >= limit => {
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Shape::CutAfter(limit) => line.write_body(cx, bytes, limit - line.body_sent),
            Shape::Slow(rate) => {
                if let Some(pause) = &mut line.pause {
                    ready!(pause.as_mut().poll(cx));
                    line.pause = None;
                }
                let chunk = usize::try_from(rate / 10).unwrap_or(1).max(1);
                let written = ready!(line.write_body(cx, bytes, chunk))?;
                let seconds = f64::from(u32::try_from(written).unwrap_or(u32::MAX)) / f64::from(rate.max(1));
                line.pause = Some(Box::pin(sleep(Duration::from_secs_f64(seconds))));
                Poll::Ready(Ok(written))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}
