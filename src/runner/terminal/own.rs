//! The program's own terminal, beside the person's.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use tokio::sync::watch;
use tokio::time::timeout;

use super::screen::{Screen, resize};
use super::watched::Watched;

/// How long output may take to the screen before the keys are given to somebody else.
const SETTLING: Duration = Duration::from_millis(200);

/// The program's terminal.
pub(super) struct Terminal {
    pub(super) outer: Arc<Watched>,
    /// The person's, if there's one to type at.
    pub(super) screen: Option<Screen>,
    /// Whether the program has been given the foreground of its terminal.
    pub(super) in_front: bool,
    /// Whether what's typed is the program's.
    pub(super) keys: watch::Sender<bool>,
    /// Says whether something is on its way from it to the screen.
    pub(super) moving: watch::Sender<bool>,
    /// The settings that it began with, until keys are the program's for the first time. In the background those may
    /// have been a shell's, which edits a line of its own.
    pub(super) first: Option<Termios>,
}

impl Terminal {
    /// Takes what's typed for the program, if it's opward's to give.
    pub(super) fn take_keys(&mut self) -> bool {
        let Some(screen) = &mut self.screen else { return false };
        if !screen.claim() {
            return false;
        }
        if let Some((first, found)) = self.first.take().zip(screen.before())
            && tcgetattr(&*self.outer).is_ok_and(|now| is_same(&first, &now))
        {
            let _ = tcsetattr(&*self.outer, OptionalActions::Now, found);
        }
        self.keys.send_replace(true);
        true
    }

    pub(super) fn leave_keys(&mut self) {
        self.keys.send_replace(false);
        if let Some(screen) = &mut self.screen {
            screen.release();
        }
    }

    /// After opward was brought to the foreground: whether the program is to be, too.
    pub(super) fn back_in_front(&mut self) -> bool {
        if !(isatty(stdin()) || self.in_front) || !self.take_keys() {
            return false;
        }
        !std::mem::replace(&mut self.in_front, true)
    }

    /// Gives it the size of the person's.
    pub(super) fn resize(&self) {
        resize(self.outer.as_fd());
    }

    /// Waits until nothing of what was printed is on its way any more, or for long enough.
    pub(super) async fn is_settled(&self) {
        let mut moving = self.moving.subscribe();
        let settled = async {
            loop {
                let is_moving = *moving.borrow_and_update();
                if !is_moving && !self.outer.is_readable() {
                    return;
                }
                // With something to read, it's about to move.
                if moving.changed().await.is_err() {
                    return;
                }
            }
        };
        // A screen that takes nothing mustn't keep the keys.
        let _ = timeout(SETTLING, settled).await;
    }
}

/// Whether nobody has changed a terminal's settings.
fn is_same(one: &Termios, other: &Termios) -> bool {
    let modes = |of: &Termios| (of.input_modes, of.output_modes, of.control_modes, of.local_modes);
    modes(one) == modes(other)
}
