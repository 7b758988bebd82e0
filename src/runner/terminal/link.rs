//! The socket between opward and its attendant.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as Plain;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::message::{LENGTH, Message, Stage, bytes, message};
use super::variables::{self, Variable};
use crate::memory::Payload;

/// The most descriptors that are handed over: the three standard streams and a terminal.
const MOST: usize = 4;

/// The most bytes of variables. No system starts a program with as many.
const MOST_VARIABLES: usize = 64 << 20;

/// One end of it.
pub(super) struct Link {
    stream: UnixStream,
    /// What has come of a message that isn't complete.
    begun: Vec<u8>,
}

impl Link {
    pub(super) fn of(stream: Plain) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream: UnixStream::from_std(stream)?, begun: Vec::with_capacity(LENGTH) })
    }

    /// The next message; `None` once the other end is gone. A call that's dropped loses nothing.
    pub(super) async fn next<M: Message>(&mut self) -> Option<M> {
        loop {
            if let Ok(whole) = <[u8; LENGTH]>::try_from(self.begun.as_slice()) {
                self.begun.clear();
                return message(whole);
            }
            let mut missing = (&mut self.stream).take(u64::try_from(LENGTH - self.begun.len()).unwrap_or_default());
            match missing.read_buf(&mut self.begun).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Sends what a program gets in its environment.
    pub(super) async fn send_variables(&mut self, variables: Vec<(String, Payload)>) -> io::Result<()> {
        let frame = variables::written(&variables).filter(|frame| frame.len() <= MOST_VARIABLES);
        let frame = frame.ok_or(io::ErrorKind::ArgumentListTooLong)?;
        drop(variables);
        self.stream.write_all(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes()).await?;
        self.stream.write_all(&frame).await
    }

    /// Takes what was sent so; `None` if the other end is gone.
    pub(super) async fn variables(&mut self) -> Option<Vec<Variable>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).await.ok()?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= MOST_VARIABLES)?;
        let mut frame = Zeroizing::new(vec![0; length]);
        self.stream.read_exact(&mut frame).await.ok()?;
        variables::read(&frame)
    }

    /// Sends a message. If nobody is there any more, the next look for one says so.
    pub(super) async fn send(&mut self, message: impl Message) {
        let _ = self.stream.write_all(&bytes(message)).await;
    }
}

/// Hands descriptors over, and says what they're for.
pub(super) fn hand_over(socket: &Plain, stage: Stage, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let letter = [stage.letter()];
    sendmsg(socket.as_fd(), &[IoSlice::new(&letter)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes over what was handed over; `None` if it wasn't.
pub(super) fn take_over(socket: &Plain) -> Option<(Stage, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut letter = [0];
    #[cfg(target_os = "linux")]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = RecvFlags::empty();
    recvmsg(socket.as_fd(), &mut [IoSliceMut::new(&mut letter)], &mut control, flags).ok()?;
    let mut descriptors = Vec::with_capacity(MOST);
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let [letter] = letter;
    Some((Stage::of(letter)?, descriptors))
}

#[cfg(test)]
mod tests {
    use super::super::message::{News, Order};
    use super::*;

    #[tokio::test]
    async fn messages_come_whole_and_in_order_however_they_are_cut() {
        let (one, other) = Plain::pair().unwrap();
        let mut link = Link::of(one).unwrap();
        let mut other = Link::of(other).unwrap();
        other.send(News::Started(1)).await;
        let killed = bytes(News::Killed(9));
        other.stream.write_all(&killed[..2]).await.unwrap();
        assert_eq!(link.next::<News>().await, Some(News::Started(1)));
        let early = tokio::time::timeout(std::time::Duration::from_millis(20), link.next::<News>()).await;
        assert!(early.is_err(), "half a message isn't one");
        other.stream.write_all(&killed[2..]).await.unwrap();
        assert_eq!(link.next::<News>().await, Some(News::Killed(9)));
        link.send(Order::Signal(15)).await;
        drop(link);
        assert_eq!(other.next::<Order>().await, Some(Order::Signal(15)));
        assert_eq!(other.next::<Order>().await, None);
    }

    #[tokio::test]
    async fn variables_come_between_descriptors_and_messages() {
        let (one, other) = Plain::pair().unwrap();
        let (mut one, mut other) = (Link::of(one).unwrap(), Link::of(other).unwrap());
        let value = || Zeroizing::new(vec![b'x'; 1 << 20]);
        let sent = async {
            one.send_variables(vec![("KEY".to_owned(), Payload::new(value()))]).await.unwrap();
            one.send(Order::Continue).await;
        };
        let ((), got) = tokio::join!(sent, other.variables());
        let got = got.unwrap();
        assert_eq!((got.len(), got[0].name.as_str(), got[0].value == value()), (1, "KEY", true));
        assert_eq!(other.next::<Order>().await, Some(Order::Continue));
        drop(one);
        assert!(other.variables().await.is_none());
    }

    #[test]
    fn descriptors_are_handed_over() {
        let (one, other) = Plain::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        hand_over(&one, Stage::Background, &[file.as_fd(), file.as_fd(), one.as_fd()]).unwrap();
        let (stage, descriptors) = take_over(&other).unwrap();
        assert_eq!((stage, descriptors.len()), (Stage::Background, 3));
        drop(one);
        drop(descriptors);
        assert!(take_over(&other).is_none(), "nobody is there any more");
    }
}
