//! What the program prints, on its way to where it would have gone.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::select;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Hide;
use super::line_ends::{LineEnds, finishes_lines};
use super::sink::Sink;
use super::watched::Watched;

/// How much is taken at once.
const CHUNK: usize = 16 * 1024;

/// How long nothing comes before what was held back is looked at again. It's what somebody who types notices last.
const IDLE: Duration = Duration::from_millis(20);

/// How long is listened on after a program on a terminal has ended, where what it started holds its output open.
const LINGER: Duration = Duration::from_millis(500);

/// How much is still shown then. What the program itself had printed is less: no terminal holds more.
const MOST_AFTER: usize = 1024 * 1024;

/// One of the program's outputs, and where it goes.
pub(super) struct Output<H> {
    /// Where it comes from.
    pub(super) from: Arc<Watched>,
    /// Where it goes.
    pub(super) to: Sink,
    /// What hides in it.
    pub(super) hide: H,
    /// When nothing more of it can come.
    pub(super) ends: Ends,
    /// Where it comes from a terminal: what tells whether the person's is the program's.
    pub(super) terminal: Option<watch::Receiver<bool>>,
    /// Says whether something is on its way, or held back.
    pub(super) moving: watch::Sender<bool>,
}

/// When nothing more of an output can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// When all that have it open are gone, as for whoever reads from a pipe.
    WithTheLast,
    /// Soon after the program, as a terminal is its session's only for as long as that is led.
    WithTheProgram,
}

/// What's on its way in one output.
struct Moving<H> {
    to: Sink,
    hide: H,
    line_ends: LineEnds,
    shown: Vec<u8>,
    /// What has become of what was shown so far.
    written: io::Result<()>,
}

/// Makes a pipe for one of the program's outputs: our end, and the program's.
pub(super) fn pipe() -> io::Result<(Arc<Watched>, OwnedFd)> {
    let (ours, theirs) = io::pipe()?;
    let ours = OwnedFd::from(ours);
    fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
    Ok((Arc::new(Watched::new(ours)?), theirs.into()))
}

impl<H: Hide> Output<H> {
    /// Moves everything, until nothing more can come.
    ///
    /// # Errors
    ///
    /// When something couldn't be written, and wasn't shown therefore.
    pub(super) async fn pass_on(self, mut ended: watch::Receiver<bool>) -> io::Result<()> {
        let Self { from, to, hide, ends, terminal, moving } = self;
        let takes_back = || terminal.as_ref().is_some_and(|keys| !*keys.borrow() && finishes_lines(from.as_fd()));
        let shown = Vec::with_capacity(CHUNK);
        let mut on_its_way = Moving { to, hide, line_ends: LineEnds::default(), shown, written: Ok(()) };
        let mut piece = vec![0; CHUNK];
        let (mut has_ended, mut after, mut is_restless) = (false, 0, false);
        loop {
            let come = select! {
                biased;
                come = from.read(&mut piece) => come,
                () = sleep(IDLE), if is_restless => {
                    is_restless = false;
                    on_its_way.idle(takes_back()).await;
                    moving.send_replace(false);
                    continue;
                }
                said = ended.changed(), if !has_ended => {
                    // Whoever would say so is gone, which comes to the same.
                    has_ended = said.is_err() || *ended.borrow_and_update();
                    continue;
                }
                () = sleep(LINGER), if has_ended && ends == Ends::WithTheProgram => break,
            };
            // A terminal that nobody has open any more can't be read from.
            let Ok(count @ 1..) = come else { break };
            moving.send_replace(true);
            is_restless = true;
            on_its_way.push(piece.get(..count).unwrap_or_default(), takes_back()).await;
            after += if has_ended && ends == Ends::WithTheProgram { count } else { 0 };
            // A terminal is read on when nobody wants it: one who prints into a pipe is to learn of it.
            if after > MOST_AFTER || on_its_way.written.is_err() && terminal.is_none() {
                break;
            }
        }
        let written = on_its_way.finish(takes_back()).await;
        moving.send_replace(false);
        written
    }
}

impl<H: Hide> Moving<H> {
    async fn push(&mut self, piece: &[u8], takes_back: bool) {
        self.hide.push(piece, &mut self.shown);
        self.show(takes_back).await;
    }

    /// Nothing comes for a moment.
    async fn idle(&mut self, takes_back: bool) {
        self.hide.idle(&mut self.shown);
        self.show(takes_back).await;
        self.show(false).await;
    }

    async fn finish(mut self, takes_back: bool) -> io::Result<()> {
        self.hide.finish(&mut self.shown);
        self.show(takes_back).await;
        self.show(false).await;
        self.written
    }

    async fn show(&mut self, takes_back: bool) {
        if takes_back {
            self.line_ends.take_back(&mut self.shown);
        } else {
            self.line_ends.give_up(&mut self.shown);
        }
        if self.written.is_ok() {
            self.written = self.to.write(&mut self.shown).await;
        }
        self.shown.clear();
    }
}
