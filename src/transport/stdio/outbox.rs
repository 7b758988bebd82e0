//! Answers on their way out.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rmcp::RoleServer;
use rmcp::model::{ErrorCode, JsonRpcMessage};
use rmcp::service::TxJsonRpcMessage;
use tokio::io::AsyncWrite;
use tokio::sync::oneshot;

use super::buffer::WipingBuffer;
use crate::transport::message::Refusal;

/// How many bytes may wait for a slow reader before nothing more is taken in.
const FULL: usize = 256 * 1024;

/// Messages serialised one after the other into one buffer, written in as few calls as possible and wiped as they go.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    buffer: WipingBuffer,
    /// The buffer has gone into the writer, but the writer hasn't let go of it yet.
    unflushed: bool,
    /// Nobody reads any more; everything is dropped.
    broken: bool,
    /// Senders to be told when there's room again.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Outbox {
    /// Takes in a message.
    pub(super) fn push(&mut self, message: &TxJsonRpcMessage<RoleServer>) {
        if self.broken {
            return;
        }
        let before = self.buffer.len();
        let written = serde_json::to_writer(&mut self.buffer, message).map_err(io::Error::from);
        if written.and_then(|()| self.buffer.write_all(b"\n")).is_err() {
            self.buffer.truncate(before);
            if let JsonRpcMessage::Response(response) = message {
                let message = "the answer could not be written down";
                self.refuse(&Refusal { id: Some(response.id.clone()), code: ErrorCode::INTERNAL_ERROR, message });
            }
        }
    }

    /// Takes in a refusal.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        if self.broken {
            return;
        }
        let before = self.buffer.len();
        let written = serde_json::to_writer(&mut self.buffer, refusal).map_err(io::Error::from);
        if written.and_then(|()| self.buffer.write_all(b"\n")).is_err() {
            self.buffer.truncate(before);
        }
    }

    /// Writes what the writer takes. Ready when everything is out, or will never be.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>, mut writer: Pin<&mut impl AsyncWrite>) -> Poll<()> {
        if self.buffer.is_empty() && !self.unflushed {
            return Poll::Ready(());
        }
        let written = ready!(self.poll_write(cx, writer.as_mut()));
        if written.is_err() {
            self.break_off();
        }
        Poll::Ready(())
    }

    /// Whether nobody reads any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether a reader is so slow that nothing more should be taken in.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= FULL
    }

    /// Is told when there's room: at once, unless the outbox is full.
    pub(super) fn room(&mut self) -> Option<oneshot::Receiver<()>> {
        self.is_full().then(|| {
            let (sender, receiver) = oneshot::channel();
            self.waiting.push(sender);
            receiver
        })
    }

    /// Drops everything; nothing will be written any more.
    pub(super) fn break_off(&mut self) {
        self.broken = true;
        self.unflushed = false;
        self.buffer.clear();
        self.waiting.clear();
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, mut writer: Pin<&mut impl AsyncWrite>) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            let count = ready!(writer.as_mut().poll_write(cx, self.buffer.bytes()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.buffer.consume(count);
            self.unflushed = true;
            if !self.is_full() {
                for waiting in self.waiting.drain(..) {
                    // Who gave up waiting doesn't need to be told.
                    let _gone = waiting.send(());
                }
            }
        }
        ready!(writer.poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }
}
