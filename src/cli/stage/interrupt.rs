//! Ctrl-C while something is played.

use tokio::select;
use tokio::signal::unix::{SignalKind, signal};

/// Does work to its end, or until a signal says that it isn't wanted any more: then it's dropped, with the folders it
/// would throw away, and the signal's number is given.
pub(in crate::cli) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, i32> {
    let listen = |kind: SignalKind| async move {
        match signal(kind) {
            Ok(mut heard) => {
                heard.recv().await;
            }
            // It ends us at once then, as it would have.
            Err(_) => std::future::pending().await,
        }
        kind.as_raw_value()
    };
    select! {
        // Before any work, so that a folder is never there without this.
        biased;
        number = listen(SignalKind::interrupt()) => Err(number),
        number = listen(SignalKind::terminate()) => Err(number),
        done = work => Ok(done),
    }
}
