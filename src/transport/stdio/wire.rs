//! The transport itself: bytes in, messages out, and back.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rmcp::model::{ClientRequest, JsonRpcMessage, ProtocolVersion, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::{RoleServer, Service};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Interval, Sleep, interval, sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::dispatch::{Dispatch, Handed};
use super::lines::{Line, Lines};
use super::outbox::Outbox;
use crate::transport::message::{Incoming, Refusal, read};

/// How long requests may still take once no more can come.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// How long a client may take to read the last answers.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// How often it's looked whether anybody can still read them.
const LOOKS: Duration = Duration::from_millis(500);

/// How many messages are served before other tasks get a turn.
const TURN: usize = 64;

/// One connection: lines of JSON on a pair of byte streams.
pub(super) struct Wire<R, W, S> {
    reader: R,
    writer: W,
    lines: Lines,
    outbox: Outbox,
    dispatch: Dispatch<S>,
    supported: Vec<ProtocolVersion>,
    /// The request that opens the session has been handed over.
    opened: bool,
    /// The client has closed its side.
    ended: bool,
    /// The server was told to stop.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Nothing more is taken in, and this is how long what's under way may take.
    closing: Option<Pin<Box<Sleep>>>,
    /// Whether nobody can read answers any more, and when that's looked at while nothing more is taken in.
    gone: fn() -> bool,
    looks: Option<Interval>,
}

impl<R, W, S> Wire<R, W, S>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    S: Service<RoleServer> + Clone,
{
    pub(super) fn new(
        (reader, writer): (R, W),
        dispatch: Dispatch<S>,
        service: &S,
        stop: CancellationToken,
        gone: fn() -> bool,
    ) -> Self {
        Self {
            reader,
            writer,
            lines: Lines::default(),
            outbox: Outbox::default(),
            dispatch,
            supported: service.supported_protocol_versions().into_owned(),
            opened: false,
            ended: false,
            stop: Some(Box::pin(stop.cancelled_owned())),
            closing: None,
            gone,
            looks: None,
        }
    }

    /// The next message for the service loop; `None` when everything that could be answered is.
    ///
    /// All state lives in `self`, so a caller may stop polling at any point and start again.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<RxJsonRpcMessage<RoleServer>>> {
        let mut turns = 0_usize;
        loop {
            let mut starved = false;
            while turns < TURN && self.closing.is_none() && self.dispatch.has_room() && !self.outbox.is_full() {
                let Some((incoming, bytes)) = self.lines.take(|line| match line {
                    Line::Whole(line) => (read(line), line.len()),
                    Line::TooLong => (Incoming::Refused(Refusal::too_long()), 0),
                }) else {
                    starved = true;
                    break;
                };
                turns = turns.saturating_add(1);
                if let Some(message) = self.accept(cx, incoming, bytes) {
                    return Poll::Ready(Some(message));
                }
            }
            // After taking requests in, never before: only then are those that wait known to wake us.
            while let Poll::Ready(answer) = self.dispatch.poll_answer(cx) {
                self.outbox.push(&answer);
            }
            let flushed = self.outbox.poll_flush(cx, Pin::new(&mut self.writer)).is_ready();
            if self.closing.is_some() || self.is_stopped(cx) || self.outbox.is_broken() || (self.ended && starved) {
                self.lines.clear();
                if self.is_unread(cx) {
                    // What's under way ends with the connection: nobody would know what came of it.
                    return Poll::Ready(None);
                }
                let deadline = self.closing.get_or_insert_with(|| Box::pin(sleep(LAST_ANSWERS)));
                let late = deadline.as_mut().poll(cx).is_ready();
                return if late || (flushed && self.dispatch.is_idle()) { Poll::Ready(None) } else { Poll::Pending };
            }
            if turns >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !starved {
                // Full. If writing made room there's more to take, else a write or an answer wakes us.
                if self.dispatch.has_room() && !self.outbox.is_full() {
                    continue;
                }
                return Poll::Pending;
            }
            match self.lines.poll_fill(cx, Pin::new(&mut self.reader)) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => self.ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Serves one message, or gives back the one that the service loop has to serve.
    fn accept(
        &mut self,
        cx: &mut Context<'_>,
        incoming: Incoming,
        bytes: usize,
    ) -> Option<RxJsonRpcMessage<RoleServer>> {
        match incoming {
            Incoming::Nothing => None,
            Incoming::Refused(refusal) => {
                self.outbox.refuse(&refusal);
                None
            }
            Incoming::Request(id, request) => match self.dispatch.hand(cx, id, request, bytes) {
                Handed::Running => None,
                Handed::Answer(answer) => {
                    self.outbox.push(&answer);
                    None
                }
                Handed::Twice => {
                    // Under its id, this would pass for the answer to the request that came first.
                    self.outbox.refuse(&Refusal::invalid(None, "a request with this id is not answered yet"));
                    None
                }
                Handed::Loop(id, request) => {
                    self.opened |= opens(&request, &self.supported);
                    Some(JsonRpcMessage::request(request, id))
                }
            },
            Incoming::Cancelled(id, message) => {
                self.dispatch.cancel(&id);
                self.is_open().then_some(message)
            }
            Incoming::Other(message) => self.is_open().then_some(message),
        }
    }

    /// Whether the service loop can take notifications. Before its handshake it would end the session over one.
    fn is_open(&self) -> bool {
        self.opened || self.dispatch.is_open()
    }

    /// Whether nobody can read answers any more. Without one to be written that isn't noticed unless it's looked at.
    fn is_unread(&mut self, cx: &mut Context<'_>) -> bool {
        let looks = self.looks.get_or_insert_with(|| interval(LOOKS));
        while !self.outbox.is_broken() && looks.poll_tick(cx).is_ready() {
            if (self.gone)() {
                self.outbox.break_off();
            }
        }
        self.outbox.is_broken()
    }

    fn is_stopped(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(cx).is_ready()
        {
            self.stop = None;
        }
        self.stop.is_none()
    }
}

/// Whether this request ends the handshake: it's `initialize`, or says by itself which protocol it speaks.
fn opens(request: &ClientRequest, supported: &[ProtocolVersion]) -> bool {
    use rmcp::model::GetMeta;

    if matches!(request, ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_)) {
        return false;
    }
    let meta = request.get_meta();
    let says_all = meta.missing_required_keys(&ProtocolVersion::NO_INITIALIZE).is_empty();
    let is_spoken = || meta.protocol_version().is_some_and(|version| supported.contains(&version));
    matches!(request, ClientRequest::InitializeRequest(_)) || (says_all && is_spoken())
}

impl<R, W, S> Transport<RoleServer> for Wire<R, W, S>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
    S: Service<RoleServer> + Clone,
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered: Option<&RequestId> = match &item {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        if let Some(id) = answered {
            self.dispatch.answered(id);
        }
        self.outbox.push(&item);
        // What the writer doesn't take now, the next call of `receive` or `close` goes on with.
        let now = &mut Context::from_waker(Waker::noop());
        let _later = self.outbox.poll_flush(now, Pin::new(&mut self.writer));
        let room = self.outbox.room();
        let is_lost = answered.is_none() && self.outbox.is_broken();
        async move {
            match room {
                _ if is_lost => Err(io::ErrorKind::BrokenPipe.into()),
                Some(room) => room.await.map_err(|_| io::ErrorKind::BrokenPipe.into()),
                None => Ok(()),
            }
        }
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleServer>>> + Send {
        poll_fn(|cx| self.poll_receive(cx))
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        let last = poll_fn(|cx| self.outbox.poll_flush(cx, Pin::new(&mut self.writer)));
        let _gone = timeout(LAST_WRITE, last).await;
        self.outbox.break_off();
        Ok(())
    }
}
