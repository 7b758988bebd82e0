//! A byte buffer that leaves nothing behind.

use std::io;
use std::ops::Range;

use zeroize::Zeroize;

/// The room a buffer starts with: a few dozen ordinary messages.
const START: usize = 16 * 1024;

/// The room a buffer keeps once it's empty; what a bigger message needed is given back.
const KEEP: usize = 64 * 1024;

/// A queue of bytes that wipes each one as it leaves.
///
/// Messages carry secrets and a buffer is reused, so bytes are overwritten when they're consumed, when they're moved
/// and when the buffer grows, rather than whenever the next message happens to cover them. The invariant:
/// everything outside `held` is zero.
#[derive(Debug, Default)]
pub(super) struct WipingBuffer {
    room: Vec<u8>,
    held: Range<usize>,
}

impl WipingBuffer {
    /// The bytes it holds, oldest first.
    pub(super) fn bytes(&self) -> &[u8] {
        self.room.get(self.held.clone()).unwrap_or_default()
    }

    /// How many bytes it holds.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Room for at least `wanted` more bytes; what's written there counts after [`filled`](Self::filled).
    pub(super) fn spare(&mut self, wanted: usize) -> &mut [u8] {
        if self.room.len().saturating_sub(self.held.end) < wanted {
            self.make_room(wanted);
        }
        self.room.get_mut(self.held.end..).unwrap_or_default()
    }

    /// Takes in the first `count` bytes of what [`spare`](Self::spare) lent.
    pub(super) fn filled(&mut self, count: usize) {
        self.held.end = self.held.end.saturating_add(count).min(self.room.len());
    }

    /// Wipes the oldest `count` bytes and forgets them.
    pub(super) fn consume(&mut self, count: usize) {
        let until = self.held.start.saturating_add(count).min(self.held.end);
        self.wipe(self.held.start..until);
        self.held.start = until;
        if self.held.is_empty() {
            self.held = 0..0;
            if self.room.len() > KEEP {
                self.room = Vec::new();
            }
        }
    }

    /// Wipes the newest bytes until `length` are left.
    pub(super) fn truncate(&mut self, length: usize) {
        let end = self.held.start.saturating_add(length).min(self.held.end);
        self.wipe(end..self.held.end);
        self.held.end = end;
    }

    /// Wipes everything.
    pub(super) fn clear(&mut self) {
        self.consume(self.len());
    }

    fn make_room(&mut self, wanted: usize) {
        let length = self.held.len();
        let needed = length.saturating_add(wanted);
        if needed <= self.room.len() {
            let end = self.held.end;
            self.room.copy_within(self.held.clone(), 0);
            self.wipe(length..end);
        } else {
            let mut room = vec![0; needed.next_power_of_two().max(START)];
            if let Some(to) = room.get_mut(..length) {
                to.copy_from_slice(self.bytes());
            }
            self.wipe(self.held.clone());
            self.room = room;
        }
        self.held = 0..length;
    }

    fn wipe(&mut self, range: Range<usize>) {
        self.room.get_mut(range).unwrap_or_default().zeroize();
    }
}

impl io::Write for WipingBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(to) = self.spare(bytes.len()).get_mut(..bytes.len()) {
            to.copy_from_slice(bytes);
        }
        self.filled(bytes.len());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for WipingBuffer {
    fn drop(&mut self) {
        self.wipe(self.held.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn everything_else_is_zero(buffer: &WipingBuffer) -> bool {
        let outside = |&(at, _): &(usize, &u8)| !buffer.held.contains(&at);
        buffer.room.iter().enumerate().filter(outside).all(|(_, byte)| *byte == 0)
    }

    #[test]
    fn a_big_message_does_not_pin_its_room() {
        let mut buffer = WipingBuffer::default();
        buffer.write_all(&vec![1; 1 << 20]).unwrap();
        assert!(buffer.room.len() >= 1 << 20);
        buffer.clear();
        assert!(buffer.room.len() <= KEEP);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Write(usize),
        Consume(usize),
        Truncate(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_usize..40_000).prop_map(Step::Write),
            (0_usize..50_000).prop_map(Step::Consume),
            (0_usize..50_000).prop_map(Step::Truncate),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_queue_and_zero_everywhere_else(steps in proptest::collection::vec(step(), 1..40)) {
            let mut buffer = WipingBuffer::default();
            let mut model: Vec<u8> = Vec::new();
            for (round, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Write(count) => {
                        let bytes: Vec<u8> = (1..=u8::MAX).cycle().skip(round).take(count).collect();
                        buffer.write_all(&bytes).unwrap();
                        model.extend(bytes);
                    }
                    Step::Consume(count) => {
                        buffer.consume(count);
                        model.drain(..count.min(model.len()));
                    }
                    Step::Truncate(length) => {
                        buffer.truncate(length);
                        model.truncate(length);
                    }
                }
                prop_assert_eq!(buffer.bytes(), &model[..]);
                prop_assert!(everything_else_is_zero(&buffer));
            }
        }
    }
}
