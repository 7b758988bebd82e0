//! What the program prints, on its way to where it would have gone.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::io::AsyncWriteExt as _;
use tokio::select;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Hide;
use super::watched::Watched;

/// How much is taken at once.
const CHUNK: usize = 16 * 1024;

/// How long nothing comes before what was held back is looked at again. It's what somebody who types notices last.
const IDLE: Duration = Duration::from_millis(20);

/// How long is listened on after the program has ended, where what it started holds its output open.
const LINGER: Duration = Duration::from_millis(500);

/// How much is still shown then. What the program itself had printed is less: no pipe holds more.
const MOST_AFTER: usize = 1024 * 1024;

/// One of the program's outputs, and where it goes.
pub(super) struct Output<H> {
    /// Where it comes from.
    pub(super) from: Arc<Watched>,
    /// Where it goes.
    pub(super) to: tokio::fs::File,
    /// What hides in it.
    pub(super) hide: H,
    /// Whether it's read on when nobody wants it, as a terminal's is: one who prints into a pipe is to learn of it.
    pub(super) is_terminal: bool,
    /// Says whether something is on its way.
    pub(super) moving: watch::Sender<bool>,
}

/// Makes a pipe for one of the program's outputs: our end, and the program's.
pub(super) fn pipe() -> io::Result<(Arc<Watched>, OwnedFd)> {
    let (ours, theirs) = io::pipe()?;
    let ours = OwnedFd::from(ours);
    fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
    Ok((Arc::new(Watched::new(ours)?), theirs.into()))
}

/// One of our own outputs, to be written to.
pub(super) fn ours(stream: impl AsFd) -> io::Result<tokio::fs::File> {
    Ok(tokio::fs::File::from_std(File::from(rustix::io::fcntl_dupfd_cloexec(stream, 3)?)))
}

impl<H: Hide> Output<H> {
    /// Moves everything, until nothing more can come, or `ended` says so and nothing more does.
    pub(super) async fn pass_on(mut self, mut ended: watch::Receiver<bool>) {
        let (mut piece, mut shown) = (vec![0; CHUNK], Vec::with_capacity(CHUNK));
        let (mut has_ended, mut after, mut is_restless, mut is_wanted) = (false, 0, false, true);
        loop {
            let come = select! {
                biased;
                come = self.from.read(&mut piece) => come,
                () = sleep(IDLE), if is_restless => {
                    is_restless = false;
                    self.hide.idle(&mut shown);
                    is_wanted &= self.show(&mut shown).await;
                    continue;
                }
                said = ended.changed(), if !has_ended => {
                    // Whoever would say so is gone, which comes to the same.
                    has_ended = said.is_err() || *ended.borrow_and_update();
                    continue;
                }
                () = sleep(LINGER), if has_ended => break,
            };
            // A terminal that nobody has open any more can't be read from.
            let Ok(count @ 1..) = come else { break };
            self.moving.send_replace(true);
            self.hide.push(piece.get(..count).unwrap_or_default(), &mut shown);
            is_restless = true;
            if is_wanted {
                is_wanted = self.show(&mut shown).await;
            }
            shown.clear();
            self.moving.send_replace(false);
            after += if has_ended { count } else { 0 };
            if after > MOST_AFTER || !is_wanted && !self.is_terminal {
                break;
            }
        }
        self.hide.finish(&mut shown);
        if is_wanted {
            self.show(&mut shown).await;
        }
    }

    /// Whether it's still wanted.
    async fn show(&mut self, shown: &mut Vec<u8>) -> bool {
        let done = async {
            self.to.write_all(shown).await?;
            self.to.flush().await
        };
        let done = done.await;
        shown.clear();
        done.is_ok()
    }
}
