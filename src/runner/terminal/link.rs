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

use super::message::{LENGTH, Message, Stage, bytes, message};

/// The most descriptors that are handed over: the three standard streams and a terminal.
const MOST: usize = 4;

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
        other.send(News::Started).await;
        let killed = bytes(News::Killed(9));
        other.stream.write_all(&killed[..2]).await.unwrap();
        assert_eq!(link.next::<News>().await, Some(News::Started));
        let early = tokio::time::timeout(std::time::Duration::from_millis(20), link.next::<News>()).await;
        assert!(early.is_err(), "half a message isn't one");
        other.stream.write_all(&killed[2..]).await.unwrap();
        assert_eq!(link.next::<News>().await, Some(News::Killed(9)));
        link.send(Order::Signal(15)).await;
        drop(link);
        assert_eq!(other.next::<Order>().await, Some(Order::Signal(15)));
        assert_eq!(other.next::<Order>().await, None);
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
