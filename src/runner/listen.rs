//! What a program says, handed over piece by piece.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::select;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::job::Output;

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// How long is listened on after a program has ended, where something else holds its output open.
const LINGER: Duration = Duration::from_millis(500);

/// Both outputs of a program. Memory doesn't grow with what it says.
pub(super) struct Listener<O, E, F> {
    out: Option<O>,
    err: Option<E>,
    out_chunk: Zeroizing<Vec<u8>>,
    err_chunk: Zeroizing<Vec<u8>>,
    output: F,
}

impl<O: AsyncRead + Unpin, E: AsyncRead + Unpin, F: FnMut(Output, &[u8]) + Send> Listener<O, E, F> {
    /// Begins to listen.
    pub(super) fn new(out: Option<O>, err: Option<E>, output: F) -> Self {
        let chunk = || Zeroizing::new(Vec::with_capacity(CHUNK));
        Self { out, err, out_chunk: chunk(), err_chunk: chunk(), output }
    }

    /// Hands over what's said while something else goes on, and gives what came of that.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            select! {
                done = &mut work => return done,
                () = self.piece(), if !self.is_over() => {}
            }
        }
    }

    /// Hands over what's left, once the program has ended; says whether that was all.
    pub(super) async fn rest(&mut self) -> bool {
        let all = async {
            while !self.is_over() {
                self.piece().await;
            }
        };
        // Something that got away may hold the pipe open for good.
        timeout(LINGER, all).await.is_ok()
    }

    fn is_over(&self) -> bool {
        self.out.is_none() && self.err.is_none()
    }

    /// Waits for one piece. Nothing is lost if it's dropped while it waits.
    async fn piece(&mut self) {
        let (ended, which, chunk) = select! {
            ended = read(&mut self.out, &mut self.out_chunk), if self.out.is_some() =>
                (ended, Output::Out, &mut self.out_chunk),
            ended = read(&mut self.err, &mut self.err_chunk), if self.err.is_some() =>
                (ended, Output::Err, &mut self.err_chunk),
            else => return,
        };
        if !chunk.is_empty() {
            (self.output)(which, chunk);
            chunk.clear();
        }
        match which {
            Output::Out if ended => self.out = None,
            Output::Err if ended => self.err = None,
            Output::Out | Output::Err => {}
        }
    }
}

/// Reads what there is; says whether that was all.
async fn read(stream: &mut Option<impl AsyncRead + Unpin>, chunk: &mut Vec<u8>) -> bool {
    match stream {
        Some(stream) => stream.read_buf(chunk).await.is_ok_and(|read| read == 0) || chunk.is_empty(),
        None => true,
    }
}
