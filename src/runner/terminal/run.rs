//! A program from its start to its end, with everything that goes between it and the person.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tokio::select;
use tokio::sync::watch;
use tokio::time::timeout;

use super::grip::Grip;
use super::keyboard::pass_on;
use super::link::Link;
use super::message::{News, Order};
use super::own::Terminal;
use super::screen::gets_keys;
use super::signals::{Signals, is_looked_after, is_of_a_key, stop_all_of_us};
use super::staged::{Beside, Staged, staged};
use super::{Broken, End, Hide, Program, Ran};

/// How long is listened on to a program that had to be ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A program that runs.
struct Running {
    link: Link,
    signals: Signals,
    terminal: Option<Terminal>,
    /// The program itself, once it's known to run.
    grip: Option<Grip>,
    outputs: Outputs,
    /// Says that it has ended.
    ended: watch::Sender<bool>,
}

/// What goes on beside it, until that's done.
enum Outputs {
    Passing(Beside),
    Passed(io::Result<()>),
}

/// Runs a program to its end, with what's to be hidden in its two outputs.
///
/// # Errors
///
/// When it isn't started, or how it ended can't be known.
pub async fn run<H: Hide + 'static>(program: Program, hide: Option<(H, H)>) -> Result<Ran, Broken> {
    // From before the start, so that none is missed.
    let signals = Signals::listen();
    let (ended, told) = watch::channel(false);
    let Staged { link, terminal, outputs } = staged(program, hide, told).await?;
    let outputs = Outputs::Passing(outputs);
    Running { link, signals, terminal, grip: None, outputs, ended }.see_to_the_end().await
}

impl Running {
    async fn see_to_the_end(mut self) -> Result<Ran, Broken> {
        let keys = self.terminal.as_ref().and_then(|terminal| {
            let screen = terminal.screen.as_ref()?;
            Some((screen.keys(), Arc::clone(&terminal.outer), terminal.keys.subscribe()))
        });
        let mut typing = Box::pin(async move {
            match keys {
                Some((keys, outer, ours)) => pass_on(&keys, &outer, ours).await,
                None => pending().await,
            }
        });
        let end = loop {
            select! {
                // A signal that the program has ended by was for opward, too, and is spent with that.
                biased;
                signal = self.signals.next() => self.heard(signal).await,
                news = self.link.next() => match news {
                    Some(News::Started(process)) => self.grip = Grip::on(process, self.terminal.is_some()),
                    Some(News::Stopped(signal)) => {
                        // What it printed before belongs on the screen as that is now.
                        self.settle().await;
                        self.stopped(signal).await;
                    }
                    Some(News::Exited(code)) => break Ok(End::Exited(u8::try_from(code).unwrap_or(u8::MAX))),
                    Some(News::Killed(signal)) => break Ok(End::Killed(signal)),
                    Some(News::NotStarted(reason)) => break Err(Broken::not_started(reason)),
                    None => break Err(Broken::Lost),
                },
                () = self.outputs.pass() => {}
                never = &mut typing => match never {},
            }
        };
        if end == Err(Broken::Lost)
            && let Some(grip) = self.grip.take()
        {
            // What it prints goes on, or it might wait for that instead of ending.
            let outputs = async {
                self.outputs.pass().await;
                pending::<()>().await;
            };
            select! {
                () = grip.end() => {}
                () = outputs => {}
            }
        }
        self.ended.send_replace(true);
        if end.is_ok() {
            self.see_the_rest().await;
        } else {
            let _ = timeout(LAST_WORDS, self.outputs.pass()).await;
        }
        Ok(Ran { end: end?, unwritten: self.outputs.unwritten() })
    }

    /// Passes on what others still print that the program has left behind, as whoever reads from a pipe waits for them.
    /// Whoever wants to see no more of it needn't.
    async fn see_the_rest(&mut self) {
        while matches!(self.outputs, Outputs::Passing(_)) {
            select! {
                () = self.outputs.pass() => {}
                signal = self.signals.next() => {
                    if signal == Signal::TSTP {
                        let _ = kill_process(getpid(), Signal::STOP);
                    } else if is_of_a_key(signal) || signal == Signal::TERM || signal == Signal::HUP {
                        return;
                    }
                }
            }
        }
    }

    /// Lets what's been printed come to the screen, and what was held back of it.
    async fn settle(&mut self) {
        let Some(terminal) = &self.terminal else { return };
        select! {
            () = self.outputs.pass() => {}
            () = terminal.is_settled() => {}
        }
    }

    async fn heard(&mut self, signal: Signal) {
        if signal == Signal::CONT {
            self.settle().await;
        }
        if let Some(terminal) = &mut self.terminal {
            if signal == Signal::WINCH {
                terminal.resize();
                return;
            }
            if signal == Signal::CONT && terminal.back_in_front() {
                self.link.send(Order::Foreground).await;
                return;
            }
            // No key of the person's terminal reaches the program's session by itself.
            self.link.send(Order::Signal(signal.as_raw())).await;
        } else if signal != Signal::WINCH {
            if !(is_of_a_key(signal) && gets_keys()) {
                self.link.send(Order::Signal(signal.as_raw())).await;
            }
            if signal == Signal::TSTP {
                let _ = kill_process(getpid(), Signal::STOP);
            }
        }
    }

    /// The program on its terminal was stopped: so is opward, until whoever started it has it go on.
    async fn stopped(&mut self, signal: i32) {
        let Some(terminal) = &mut self.terminal else { return };
        // Before it's looked who has the keys: whoever brings opward to the front in between would find it stopped.
        let may_stop = is_looked_after();
        let wants_the_keys = signal == Signal::TTIN.as_raw() || signal == Signal::TTOU.as_raw();
        if wants_the_keys && !terminal.in_front && terminal.take_keys() {
            terminal.in_front = true;
            self.link.send(Order::Foreground).await;
            return;
        }
        terminal.leave_keys();
        let was_stopped = may_stop && stop_all_of_us();
        terminal.resize();
        let has_keys = terminal.take_keys();
        // Where nothing could be stopped, what isn't to be had would be asked for again and again.
        let order = if !terminal.in_front && (has_keys || !was_stopped) { Order::Foreground } else { Order::Continue };
        terminal.in_front |= order == Order::Foreground;
        self.link.send(order).await;
    }
}

impl Outputs {
    /// Goes on until nothing more can come; then forever. A call that's dropped loses nothing.
    async fn pass(&mut self) {
        match self {
            Self::Passing(passing) => {
                let written = passing.await;
                *self = Self::Passed(written);
            }
            Self::Passed(_) => pending().await,
        }
    }

    /// What couldn't be written, but for what nobody wanted any more.
    fn unwritten(self) -> Option<io::Error> {
        match self {
            Self::Passing(_) | Self::Passed(Ok(())) => None,
            Self::Passed(Err(error)) => Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe),
        }
    }
}
