//! What a program is started on, and what goes on beside it.

use std::future::{Future, ready};
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;

use rustix::fs::{FileType, Stat, fstat};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{isatty, tcgetattr};
use tokio::join;
use tokio::sync::watch;

use super::link::Link;
use super::message::Stage;
use super::output::{Ends, Output, pipe};
use super::own::Terminal;
use super::screen::{Pair, Screen};
use super::sink::Sink;
use super::start::start;
use super::watched::Watched;
use super::{Broken, Hide, Program};

/// What goes on beside the program: its outputs are passed on. It says what couldn't be written.
pub(super) type Beside = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// A program that's been started.
pub(super) struct Staged {
    pub(super) link: Link,
    /// Its own terminal and the person's, where it has one.
    pub(super) terminal: Option<Terminal>,
    pub(super) outputs: Beside,
}

/// Starts a program. With something to hide in its two outputs it prints through that: into a terminal of its own,
/// where standard output is one; into pipes otherwise. Without, its streams are ours.
pub(super) async fn staged<H: Hide + 'static>(
    program: Program,
    hide: Option<(H, H)>,
    ended: watch::Receiver<bool>,
) -> Result<Staged, Broken> {
    match hide {
        None => {
            let link = start(program, Stage::Streams, &[stdin(), stdout(), stderr()]).await?;
            Ok(Staged { link, terminal: None, outputs: Box::pin(ready(Ok(()))) })
        }
        Some(hide) if isatty(stdout()) => on_a_terminal(program, hide, ended).await,
        Some((out, _)) if are_one(stdout(), stderr()) => {
            // In two pipes, the order in which it prints would be lost, and each would tear the other's lines.
            let ((from, into), to) = (pipe()?, Sink::of(stdout())?);
            let link = start(program, Stage::Streams, &[stdin(), into.as_fd(), into.as_fd()]).await?;
            drop(into);
            let outputs = piped(from, to, out, Ends::WithTheLast).pass_on(ended);
            Ok(Staged { link, terminal: None, outputs: Box::pin(outputs) })
        }
        Some((out, err)) => {
            let ((from_out, into_out), (from_err, into_err)) = (pipe()?, pipe()?);
            let (to_out, to_err) = (Sink::of(stdout())?, Sink::of(stderr())?);
            let link = start(program, Stage::Streams, &[stdin(), into_out.as_fd(), into_err.as_fd()]).await?;
            // Or there would be no end to what comes out of them.
            drop((into_out, into_err));
            let out = piped(from_out, to_out, out, Ends::WithTheLast).pass_on(ended.clone());
            let err = piped(from_err, to_err, err, Ends::WithTheLast).pass_on(ended);
            let outputs = async {
                let (out, err) = join!(out, err);
                worse(out, err)
            };
            Ok(Staged { link, terminal: None, outputs: Box::pin(outputs) })
        }
    }
}

/// Starts a program on a terminal of its own. What it would have got from elsewhere or sent there stays as it is.
async fn on_a_terminal<H: Hide + 'static>(
    program: Program,
    (out, err): (H, H),
    ended: watch::Receiver<bool>,
) -> Result<Staged, Broken> {
    let Pair { outer, inner } = Pair::like_ours()?;
    let outer = Arc::new(Watched::new(outer)?);
    let mut screen = Screen::open();
    // Who reads from elsewhere may share the keyboard with others, so it's not taken before it's wanted.
    let types = isatty(stdin());
    let in_front = types && screen.as_mut().is_some_and(Screen::claim);
    let first = if in_front { None } else { tcgetattr(&*outer).ok() };
    let stage = if in_front { Stage::Foreground } else { Stage::Background };
    let errors = if isatty(stderr()) { None } else { Some(pipe()?) };
    let (to_out, to_err) = (Sink::of(stdout())?, Sink::of(stderr())?);
    let input = if types { inner.as_fd() } else { stdin() };
    let complaints = errors.as_ref().map_or(inner.as_fd(), |(_, theirs)| theirs.as_fd());
    let link = start(program, stage, &[input, inner.as_fd(), complaints, inner.as_fd()]).await?;
    drop(inner);
    let (moving, (keys, are_ours)) = (watch::Sender::new(false), watch::channel(in_front));
    let shown = Output {
        from: Arc::clone(&outer),
        to: to_out,
        hide: out,
        ends: Ends::WithTheProgram,
        terminal: Some(are_ours),
        moving: moving.clone(),
    };
    let errors = errors.map(|(from, _theirs)| piped(from, to_err, err, Ends::WithTheProgram));
    let outputs = async move {
        let errors = async {
            match errors {
                None => Ok(()),
                Some(errors) => errors.pass_on(ended.clone()).await,
            }
        };
        let (shown, errors) = join!(shown.pass_on(ended.clone()), errors);
        worse(shown, errors)
    };
    let terminal = Terminal { outer, screen, in_front, keys, moving, first };
    Ok(Staged { link, terminal: Some(terminal), outputs: Box::pin(outputs) })
}

fn piped<H: Hide>(from: Arc<Watched>, to: Sink, hide: H, ends: Ends) -> Output<H> {
    Output { from, to, hide, ends, terminal: None, moving: watch::Sender::new(false) }
}

/// What matters of what became of two outputs. A reader that went away wanted no more.
fn worse(one: io::Result<()>, other: io::Result<()>) -> io::Result<()> {
    let is_gone = matches!(&one, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
    if one.is_ok() || is_gone { other } else { one }
}

/// Whether two descriptors are of the same file.
fn are_one(one: impl AsFd, other: impl AsFd) -> bool {
    let (Ok(one), Ok(other)) = (fstat(one), fstat(other)) else { return false };
    let kind = |file: &Stat| FileType::from_raw_mode(file.st_mode);
    (one.st_dev, one.st_ino, kind(&one)) == (other.st_dev, other.st_ino, kind(&other))
}
