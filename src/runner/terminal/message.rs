//! What opward and its attendant say to each other: a letter and a number.

/// A message's length in bytes.
pub(super) const LENGTH: usize = 5;

/// A message in one of the two directions.
pub(super) trait Message: Copy {
    fn written(self) -> (u8, i32);
    fn read(letter: u8, number: i32) -> Option<Self>;
}

/// What the attendant is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Give the program the foreground of its terminal, and let it go on.
    Foreground,
    /// Let the program go on where it stopped.
    Continue,
    /// Pass a signal on.
    Signal(i32),
}

/// What the attendant tells of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It runs, as the process of this number.
    Started(i32),
    /// The system doesn't start it, and gives this number for the reason.
    NotStarted(i32),
    /// A signal has stopped it.
    Stopped(i32),
    /// It ended, with a code.
    Exited(i32),
    /// A signal has ended it.
    Killed(i32),
}

/// What a program is started on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The streams it's given, in the session of whoever started opward.
    Streams,
    /// A terminal of its own, in the background until it wants more.
    Background,
    /// A terminal of its own, which listens to the person's keyboard.
    Foreground,
}

impl Message for Order {
    fn written(self) -> (u8, i32) {
        match self {
            Self::Foreground => (b'f', 0),
            Self::Continue => (b'c', 0),
            Self::Signal(signal) => (b's', signal),
        }
    }

    fn read(letter: u8, number: i32) -> Option<Self> {
        match letter {
            b'f' => Some(Self::Foreground),
            b'c' => Some(Self::Continue),
            b's' => Some(Self::Signal(number)),
            _ => None,
        }
    }
}

impl Message for News {
    fn written(self) -> (u8, i32) {
        match self {
            Self::Started(process) => (b'S', process),
            Self::NotStarted(reason) => (b'N', reason),
            Self::Stopped(signal) => (b'T', signal),
            Self::Exited(code) => (b'E', code),
            Self::Killed(signal) => (b'K', signal),
        }
    }

    fn read(letter: u8, number: i32) -> Option<Self> {
        match letter {
            b'S' => Some(Self::Started(number)),
            b'N' => Some(Self::NotStarted(number)),
            b'T' => Some(Self::Stopped(number)),
            b'E' => Some(Self::Exited(number)),
            b'K' => Some(Self::Killed(number)),
            _ => None,
        }
    }
}

impl Stage {
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::Streams => b'-',
            Self::Background => b'b',
            Self::Foreground => b'f',
        }
    }

    pub(super) const fn of(letter: u8) -> Option<Self> {
        match letter {
            b'-' => Some(Self::Streams),
            b'b' => Some(Self::Background),
            b'f' => Some(Self::Foreground),
            _ => None,
        }
    }
}

/// A message's bytes.
pub(super) fn bytes(message: impl Message) -> [u8; LENGTH] {
    let (letter, number) = message.written();
    let [a, b, c, d] = number.to_le_bytes();
    [letter, a, b, c, d]
}

/// The message that bytes are, if they are one.
pub(super) fn message<M: Message>([letter, a, b, c, d]: [u8; LENGTH]) -> Option<M> {
    M::read(letter, i32::from_le_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for order in [Order::Foreground, Order::Continue, Order::Signal(15)] {
            assert_eq!(message::<Order>(bytes(order)), Some(order));
        }
        for news in [
            News::Started(4711),
            News::NotStarted(2),
            News::Stopped(20),
            News::Exited(255),
            News::Killed(9),
            News::Exited(-1),
        ] {
            assert_eq!(message::<News>(bytes(news)), Some(news));
        }
        for stage in [Stage::Streams, Stage::Background, Stage::Foreground] {
            assert_eq!(Stage::of(stage.letter()), Some(stage));
        }
        assert_eq!((message::<Order>([0; LENGTH]), message::<News>([0; LENGTH])), (None, None));
    }
}
