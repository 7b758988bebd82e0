//! What's typed, on its way to the program's terminal.

use std::convert::Infallible;
use std::future::pending;

use tokio::select;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::watched::Watched;

/// How much is taken at once.
const CHUNK: usize = 4096;

/// Passes keys on for as long as they're the program's: while it's stopped or in the background, they aren't.
pub(super) async fn pass_on(keys: &Watched, terminal: &Watched, mut ours: watch::Receiver<bool>) -> Infallible {
    // Passwords are typed, too.
    let mut typed = Zeroizing::new([0; CHUNK]);
    while ours.wait_for(|ours| *ours).await.is_ok() {
        let read = select! {
            read = keys.read(&mut typed[..]) => read,
            _ = ours.changed() => continue,
        };
        let Some(typed) = read.ok().filter(|read| *read > 0).and_then(|read| typed.get(..read)) else { break };
        if terminal.write_all(typed).await.is_err() {
            break;
        }
    }
    // The terminal is gone, and a signal says so; or the program is, and its attendant does.
    pending().await
}
