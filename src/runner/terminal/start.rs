//! Starting opward's attendant, which starts the program.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use super::link::{Link, hand_over};
use super::message::Stage;
use super::{Program, word};

/// A command that starts this program once more, whatever has become of its file since.
#[expect(clippy::disallowed_methods, reason = "it's this program itself")]
pub(super) fn ourselves() -> Command {
    #[cfg(target_os = "linux")]
    let program = std::path::PathBuf::from("/proc/self/exe");
    #[cfg(not(target_os = "linux"))]
    let program = std::env::current_exe().unwrap_or_else(|_| "opward".into());
    let mut command = Command::new(program);
    command.arg0("opward");
    command
}

/// Has a program started on a stage made of these descriptors: the standard streams and, where it's to have one, its
/// terminal. Values reach it in its environment, which is its owner's alone to read, and never as arguments.
pub(super) async fn start(program: Program, stage: Stage, descriptors: &[BorrowedFd<'_>]) -> io::Result<Link> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = ourselves();
    command.arg(word::ATTEND).arg(program.path).arg(program.name).args(program.arguments);
    for name in program.without {
        command.env_remove(name);
    }
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()?;
    // It holds their end of the socket.
    drop(command);
    hand_over(&ours, stage, descriptors)?;
    let mut link = Link::of(ours)?;
    link.send_variables(program.variables).await?;
    Ok(link)
}
