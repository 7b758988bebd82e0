//! A program from its start to its end, with everything that goes between it and the person.

use std::future::{Future, pending, ready};
use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::ioctl_fionread;
use rustix::process::{Signal, getpid, kill_process};
use rustix::stdio::{stderr, stdin, stdout};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio::{join, select};

use super::keyboard::pass_on;
use super::link::Link;
use super::message::{News, Order, Stage};
use super::output::{Output, ours, pipe};
use super::screen::{Pair, Screen, finishes_lines, gets_keys, resize};
use super::signals::{Signals, is_of_a_key, stop_all_of_us};
use super::start::start;
use super::watched::Watched;
use super::{Broken, End, Hide, Program};

/// How long output may take to the screen before the keys are given to somebody else.
const SETTLING: Duration = Duration::from_millis(200);

/// Something that goes on beside the program.
type Beside = Pin<Box<dyn Future<Output = ()>>>;

fn beside(work: impl Future<Output = ()> + 'static) -> Beside {
    Box::pin(work)
}

/// A program that runs.
struct Running {
    link: Link,
    signals: Signals,
    /// Its own terminal and the person's, where it has one.
    terminal: Option<Terminal>,
    /// Says that it has ended.
    ended: watch::Sender<bool>,
}

/// The program's terminal.
struct Terminal {
    outer: Arc<Watched>,
    /// The person's, if there's one to type at.
    screen: Option<Screen>,
    /// Whether the program has been given the foreground of its terminal.
    in_front: bool,
    /// Whether what's typed is the program's.
    keys: watch::Sender<bool>,
    /// Says whether something is on its way from it to the screen.
    moving: watch::Sender<bool>,
    /// How the program's terminal finishes lines while the person's is the program's: until then that one does.
    finishes: bool,
}

/// Runs a program to its end. With something to hide in its two outputs it prints through that: into a terminal of its
/// own, where standard output is one; into pipes otherwise. Without, its streams are ours.
///
/// # Errors
///
/// When it isn't started, or how it ended can't be known.
pub async fn run<H: Hide + 'static>(program: Program, hide: Option<(H, H)>) -> Result<End, Broken> {
    // From before the start, so that none is missed.
    let signals = Signals::listen();
    let (ended, told) = watch::channel(false);
    let (running, outputs) = match hide {
        None => {
            let link = start(program, Stage::Streams, &[stdin(), stdout(), stderr()])?;
            (Running { link, signals, terminal: None, ended }, beside(ready(())))
        }
        Some(hide) if std::io::stdout().is_terminal() => on_a_terminal(program, hide, signals, ended, told)?,
        Some((out, err)) => {
            let ((from_out, into_out), (from_err, into_err)) = (pipe()?, pipe()?);
            let link = start(program, Stage::Streams, &[stdin(), into_out.as_fd(), into_err.as_fd()])?;
            // Or there would be no end to what comes out of them.
            drop((into_out, into_err));
            let out = Output {
                from: from_out,
                to: ours(stdout())?,
                hide: out,
                is_terminal: false,
                moving: watch::Sender::new(false),
            };
            let err = Output {
                from: from_err,
                to: ours(stderr())?,
                hide: err,
                is_terminal: false,
                moving: watch::Sender::new(false),
            };
            let outputs = async {
                join!(out.pass_on(told.clone()), err.pass_on(told));
            };
            (Running { link, signals, terminal: None, ended }, beside(outputs))
        }
    };
    running.see_to_the_end(outputs).await
}

/// Starts a program on a terminal of its own. What it would have got from elsewhere or sent there stays as it is.
fn on_a_terminal<H: Hide + 'static>(
    program: Program,
    (out, err): (H, H),
    signals: Signals,
    ended: watch::Sender<bool>,
    told: watch::Receiver<bool>,
) -> Result<(Running, Beside), Broken> {
    let Pair { outer, inner } = Pair::like_ours()?;
    let outer = Arc::new(Watched::new(outer)?);
    let mut screen = Screen::open();
    // Who reads from elsewhere may share the keyboard with others, so it's not taken before it's wanted.
    let types = std::io::stdin().is_terminal();
    let in_front = types && screen.as_mut().is_some_and(Screen::claim);
    let finishes = if in_front { true } else { finishes_lines(outer.as_fd(), false) };
    let stage = if in_front { Stage::Foreground } else { Stage::Background };
    let errors = if std::io::stderr().is_terminal() { None } else { Some(pipe()?) };
    let input = if types { inner.as_fd() } else { stdin() };
    let complaints = errors.as_ref().map_or(inner.as_fd(), |(_, theirs)| theirs.as_fd());
    let link = start(program, stage, &[input, inner.as_fd(), complaints, inner.as_fd()])?;
    drop(inner);
    let moving = watch::Sender::new(false);
    let shown =
        Output { from: Arc::clone(&outer), to: ours(stdout())?, hide: out, is_terminal: true, moving: moving.clone() };
    let errors = match errors {
        None => None,
        Some((from, _theirs)) => {
            Some(Output { from, to: ours(stderr())?, hide: err, is_terminal: false, moving: watch::Sender::new(false) })
        }
    };
    let outputs = async move {
        let errors = async {
            if let Some(errors) = errors {
                errors.pass_on(told.clone()).await;
            }
        };
        join!(shown.pass_on(told.clone()), errors);
    };
    let (keys, _) = watch::channel(in_front);
    let terminal = Terminal { outer, screen, in_front, keys, moving, finishes };
    Ok((Running { link, signals, terminal: Some(terminal), ended }, beside(outputs)))
}

impl Running {
    async fn see_to_the_end(mut self, mut outputs: Beside) -> Result<End, Broken> {
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
        let mut all_is_shown = false;
        let end = loop {
            select! {
                news = self.link.next() => match news {
                    Some(News::Started) => {}
                    Some(News::Stopped(signal)) => {
                        // What it printed before belongs on the screen as that is now.
                        select! {
                            () = &mut outputs, if !all_is_shown => all_is_shown = true,
                            () = self.is_settled() => {}
                        }
                        self.stopped(signal).await;
                    }
                    Some(News::Exited(code)) => break Ok(End::Exited(u8::try_from(code).unwrap_or(u8::MAX))),
                    Some(News::Killed(signal)) => break Ok(End::Killed(signal)),
                    Some(News::NotStarted(reason)) => {
                        break Err(Broken::NotStarted(std::io::Error::from_raw_os_error(reason).kind()));
                    }
                    None => break Err(Broken::Lost),
                },
                signal = self.signals.next() => self.heard(signal).await,
                () = &mut outputs, if !all_is_shown => all_is_shown = true,
                never = &mut typing => match never {},
            }
        };
        self.ended.send_replace(true);
        while !all_is_shown {
            select! {
                () = &mut outputs => all_is_shown = true,
                // Whoever wants to see no more of it needn't.
                signal = self.signals.next() => {
                    all_is_shown = is_of_a_key(signal) || signal == Signal::TERM || signal == Signal::HUP;
                }
            }
        }
        end
    }

    /// Waits until nothing of what a stopped program printed is on its way any more, or for long enough.
    async fn is_settled(&self) {
        let Some(terminal) = &self.terminal else { return };
        let mut moving = terminal.moving.subscribe();
        let settled = async {
            loop {
                let is_moving = *moving.borrow_and_update();
                let waiting = ioctl_fionread(&*terminal.outer).unwrap_or_default();
                if !is_moving && waiting == 0 {
                    return;
                }
                // With bytes waiting, it's about to move.
                if moving.changed().await.is_err() {
                    return;
                }
            }
        };
        // A screen that takes nothing mustn't keep the keys.
        let _ = timeout(SETTLING, settled).await;
    }

    async fn heard(&mut self, signal: Signal) {
        if let Some(terminal) = &mut self.terminal {
            if signal == Signal::WINCH {
                resize(terminal.outer.as_fd());
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
        let wants_the_keys = signal == Signal::TTIN.as_raw() || signal == Signal::TTOU.as_raw();
        if wants_the_keys && !terminal.in_front && terminal.take_keys() {
            terminal.in_front = true;
            self.link.send(Order::Foreground).await;
            return;
        }
        terminal.leave_keys();
        let was_stopped = stop_all_of_us();
        resize(terminal.outer.as_fd());
        let has_keys = terminal.take_keys();
        // Where nothing could be stopped, what isn't to be had would be asked for again and again.
        let order = if !terminal.in_front && (has_keys || !was_stopped) { Order::Foreground } else { Order::Continue };
        terminal.in_front |= order == Order::Foreground;
        self.link.send(order).await;
    }
}

impl Terminal {
    /// Takes what's typed for the program, if it's opward's to give.
    fn take_keys(&mut self) -> bool {
        let taken = self.screen.as_mut().is_some_and(Screen::claim);
        if taken && !self.keys.send_replace(true) {
            finishes_lines(self.outer.as_fd(), self.finishes);
        }
        taken
    }

    fn leave_keys(&mut self) {
        if self.keys.send_replace(false) {
            self.finishes = finishes_lines(self.outer.as_fd(), false);
        }
        if let Some(screen) = &mut self.screen {
            screen.release();
        }
    }

    /// After opward was brought to the foreground: whether the program is to be, too.
    fn back_in_front(&mut self) -> bool {
        let types = std::io::stdin().is_terminal();
        if !(types || self.in_front) || !self.take_keys() {
            return false;
        }
        !std::mem::replace(&mut self.in_front, true)
    }
}
