//! The protocol over a pair of byte streams: one line, one JSON-RPC message.
//!
//! The streams are the process's standard input and output, and whoever started it is the client. What comes in is
//! anything at all, so what's taken is bounded in every direction: the length of a line, the depth and number of its
//! values, the number and size of requests under way, the answers waiting for a slow reader. Whatever can't be
//! served is answered in fixed words and the connection goes on. Messages carry secrets, so each buffer that held one is
//! wiped as soon as it's used.
//!
//! | file | |
//! |---|---|
//! | `pipes.rs` | the process's standard streams |
//! | `buffer.rs` | bytes that are wiped as they leave |
//! | `lines.rs` | bytes → lines |
//! | `dispatch.rs` | message → handler → answer |
//! | `outbox.rs` | answers → bytes |
//! | `wire.rs` | all of these as one transport |

mod buffer;
mod dispatch;
mod lines;
mod outbox;
mod pipes;
mod wire;

use std::sync::{Arc, OnceLock};

use rmcp::ServerHandler;
use rmcp::service::{QuitReason, ServerInitializeError, ServiceExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use self::dispatch::Dispatch;
pub use self::pipes::Pipes;
use self::wire::Wire;
use super::guarded::Guarded;

/// Why a connection ended otherwise than by its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The handshake failed, and the client was told why.
    // The cause isn't kept: it may quote the client's message.
    #[error("the client and the server could not agree on a protocol version")]
    Handshake,
    /// The task that serves the connection was lost.
    #[error("the connection's task ended unexpectedly")]
    Lost,
}

/// Serves one client on the process's standard streams until it closes them or `stop` is cancelled.
///
/// In both cases requests under way are finished and answered first, for at most 30 seconds, and only as long as
/// somebody can read the answers.
///
/// # Errors
///
/// When no session came about, or its task was lost.
pub async fn serve<H: ServerHandler>(handler: H, pipes: Pipes, stop: CancellationToken) -> Result<(), ServeError> {
    serve_until_gone(handler, pipes.input, pipes.output, stop, pipes::nobody_reads).await
}

/// Serves one client on any pair of byte streams, as [`serve`] does on the process's own.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_streams<H, R, W>(handler: H, input: R, output: W, stop: CancellationToken) -> Result<(), ServeError>
where
    H: ServerHandler,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    serve_until_gone(handler, input, output, stop, || false).await
}

async fn serve_until_gone<H, R, W>(
    handler: H,
    input: R,
    output: W,
    stop: CancellationToken,
    gone: fn() -> bool,
) -> Result<(), ServeError>
where
    H: ServerHandler,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let service = Guarded(Arc::new(handler));
    let peer = Arc::new(OnceLock::new());
    let dispatch = Dispatch::new(service.clone(), Arc::clone(&peer));
    let wire = Wire::new((input, output), dispatch, &service, stop, gone);
    let running = match service.serve(wire).await {
        Ok(running) => running,
        // The client left before it said anything that opens a session, or the server was stopped.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(_) => return Err(ServeError::Handshake),
    };
    let _first = peer.set(running.peer().clone());
    match running.waiting().await {
        Ok(QuitReason::Closed | QuitReason::Cancelled) => Ok(()),
        _ => Err(ServeError::Lost),
    }
}
