//! A request's body, within bounds.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// How long a body may stand still.
const STILL: Duration = Duration::from_secs(10);

/// Why a body wasn't read. What the connection said of it is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It's longer than it may be, or says that it will be.
    #[error("the request's body has more than {limit} bytes")]
    TooLarge {
        /// The most it may have.
        limit: usize,
    },
    /// It didn't come in time.
    #[error("the request's body took too long to arrive")]
    TooSlow,
    /// It ended early, or its framing is wrong.
    #[error("the request's body ended before it was complete")]
    Broken,
}

/// Reads a body of at most `limit` bytes that comes within `deadline`, and doesn't stand still for ten seconds.
///
/// # Errors
///
/// A body that announces too much is refused before any of it is read.
pub async fn collect<B>(body: B, limit: usize, deadline: Duration) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
{
    timeout(deadline, gather(body, limit)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn gather<B: Body<Data = Bytes>>(body: B, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = pin!(body);
    let announced = body.size_hint();
    let least = usize::try_from(announced.lower()).unwrap_or(usize::MAX);
    if least > limit {
        return Err(BodyError::TooLarge { limit });
    }
    let mut read = Vec::new();
    loop {
        let Ok(next) = timeout(STILL, body.frame()).await else { return Err(BodyError::TooSlow) };
        let frame = match next {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Err(BodyError::Broken),
            None => return Ok(Bytes::from(read)),
        };
        // Trailers mean nothing here.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - read.len() {
            return Err(BodyError::TooLarge { limit });
        }
        if read.capacity() == 0 {
            // Not before something came: announcing costs a client nothing.
            read.reserve_exact(least.max(data.len()));
        }
        // A copy, so that nothing keeps the connection's buffer from being used again.
        read.extend_from_slice(&data);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::{Frame, SizeHint};
    use tokio::time::{Instant, Interval, interval};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    /// A body of equal pieces, one each time.
    struct Pieces {
        announced: Option<u64>,
        left: usize,
        piece: &'static [u8],
        every: Option<Interval>,
    }

    impl Pieces {
        fn new(announced: Option<u64>, pieces: usize, piece: &'static [u8]) -> Self {
            Self { announced, left: pieces, piece, every: None }
        }

        fn every(mut self, seconds: u64) -> Self {
            self.every = Some(interval(Duration::from_secs(seconds)));
            self
        }
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if let Some(every) = &mut self.every {
                std::task::ready!(every.poll_tick(cx));
            }
            let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
            self.left = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(self.piece)))))
        }

        fn size_hint(&self) -> SizeHint {
            self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    #[tokio::test]
    async fn a_body_may_have_as_many_bytes_as_the_limit_and_not_one_more() {
        for announced in [None, Some(10)] {
            let read = collect(Pieces::new(announced, 5, b"ab"), 10, DEADLINE).await;
            assert_eq!(read.unwrap(), "ababababab", "{announced:?}");
        }
        let long = collect(Pieces::new(None, 11, b"a"), 10, DEADLINE).await;
        assert_eq!(long, Err(BodyError::TooLarge { limit: 10 }));
        assert_eq!(collect(Pieces::new(None, 0, b""), 0, DEADLINE).await.unwrap(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn what_announces_too_much_is_refused_before_it_is_read() {
        let started = Instant::now();
        for announced in [11, u64::MAX] {
            let body = Pieces::new(Some(announced), 1, b"a").every(5);
            assert_eq!(collect(body, 10, DEADLINE).await, Err(BodyError::TooLarge { limit: 10 }));
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn the_buffer_is_as_large_as_what_was_announced() {
        let read = gather(Pieces::new(Some(1000), 100, b"0123456789"), 4096).await.unwrap();
        let owned = read.try_into_mut().unwrap();
        assert_eq!((owned.len(), owned.capacity()), (1000, 1000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_at_the_deadline() {
        let started = Instant::now();
        let body = Pieces::new(None, 100, b"a").every(9);
        assert_eq!(collect(body, 1000, DEADLINE).await, Err(BodyError::TooSlow));
        assert_eq!(started.elapsed(), DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stands_still_is_given_up_sooner() {
        let started = Instant::now();
        let body = Pieces::new(None, 100, b"a").every(25);
        assert_eq!(collect(body, 1000, DEADLINE).await, Err(BodyError::TooSlow));
        assert_eq!(started.elapsed(), STILL);
    }
}
