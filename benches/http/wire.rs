//! One connection of HTTP/1.1, as thin as it can be: it shares the machine with what it measures.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long an answer may take before it's taken for lost.
const PATIENCE: Duration = Duration::from_secs(90);

/// A connection, and what came over it last.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer that came whole.
pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    /// All its bytes, as they came.
    pub(crate) raw: &'c [u8],
    head: &'c [u8],
    /// Its body, without the marks of chunks.
    pub(crate) body: Cow<'c, [u8]>,
}

/// How an answer's body ends.
enum Framing {
    Length(usize),
    Chunks,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.send(request).await?;
        self.answer().await
    }

    /// Sends something, without waiting for an answer.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads one answer to the end.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer<'_>> {
        self.received.clear();
        // A timer a request would be a part of what's measured, so it's only set once there's nothing to read.
        let (head, framing) = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                let head = end.saturating_add(4);
                break (head, framing(self.received.get(..head).unwrap_or_default())?);
            }
            self.more().await?;
        };
        let end = loop {
            let body = self.received.get(head..).unwrap_or_default();
            match framing {
                Framing::Length(length) if body.len() >= length => break head.saturating_add(length),
                Framing::Chunks => {
                    if let Some((_, used)) = unchunked(body)? {
                        break head.saturating_add(used);
                    }
                }
                Framing::Length(_) => {}
            }
            self.more().await?;
        };
        if self.received.len() != end {
            return Err(io::Error::other("more came than was asked for"));
        }
        let (head, body) = self.received.split_at(head);
        let body = match framing {
            Framing::Length(_) => Cow::Borrowed(body),
            Framing::Chunks => Cow::Owned(unchunked(body)?.map(|(body, _)| body).unwrap_or_default()),
        };
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status"))?;
        Ok(Answer { status, raw: &self.received, head, body })
    }

    /// What has come of an answer that wasn't read to its end.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }

    /// Reads the head of an answer whose body has no end: a stream of events.
    pub(crate) async fn head(&mut self) -> io::Result<u16> {
        self.received.clear();
        while find(&self.received, b"\r\n\r\n").is_none() {
            self.more().await?;
        }
        let digits = self.received.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        digits.ok_or_else(|| io::Error::other("no status"))
    }

    async fn more(&mut self) -> io::Result<()> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        match read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer came"))?? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
            _ => Ok(()),
        }
    }
}

impl Answer<'_> {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// The JSON document in the body, be it plain or the last event of a stream.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        let body = std::str::from_utf8(&self.body).ok()?;
        let plain = || serde_json::from_str(body).ok();
        let event = || body.lines().rev().find_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok());
        plain().or_else(event)
    }
}

fn header<'h>(head: &'h [u8], name: &str) -> Option<&'h str> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn framing(head: &[u8]) -> io::Result<Framing> {
    if let Some(length) = header(head, "content-length") {
        return length.parse().map(Framing::Length).map_err(|_| io::Error::other("the length is no number"));
    }
    match header(head, "transfer-encoding") {
        Some(coding) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
        Some(_) => Err(io::Error::other("an unknown transfer coding")),
        None if head.get(9..12).is_some_and(|status| matches!(status, b"202" | b"204")) => Ok(Framing::Length(0)),
        None => Err(io::Error::other("neither a length nor chunks")),
    }
}

/// The body that chunks make up, and how many bytes they took; `None` while some are missing.
fn unchunked(body: &[u8]) -> io::Result<Option<(Vec<u8>, usize)>> {
    let (mut whole, mut rest) = (Vec::new(), body);
    loop {
        let Some(end) = find(rest, b"\r\n") else { return Ok(None) };
        let (size, after) = rest.split_at(end);
        let size = std::str::from_utf8(size).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let size = size.ok_or_else(|| io::Error::other("a chunk without a size"))?;
        let after = after.get(2..).unwrap_or_default();
        let Some((chunk, after)) = after.split_at_checked(size) else { return Ok(None) };
        let Some(after) = after.strip_prefix(b"\r\n") else {
            return if after.len() < 2 { Ok(None) } else { Err(io::Error::other("a chunk without an end")) };
        };
        whole.extend_from_slice(chunk);
        rest = after;
        if size == 0 {
            return Ok(Some((whole, body.len().saturating_sub(rest.len()))));
        }
    }
}

/// Where one text begins in another.
pub(crate) fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
