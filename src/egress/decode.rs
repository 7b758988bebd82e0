//! Decompression into a buffer that doesn't grow beyond a bound, whatever is promised.

use std::io::{self, Write as _};
use std::mem;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// It isn't.
    Identity,
    /// gzip, of one or several members.
    Gzip,
    /// zlib's format, or what it wraps.
    Deflate,
    /// Brotli.
    Brotli,
}

/// What's kept of a body.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    most: usize,
    /// Whether there was more.
    pub(super) full: bool,
}

/// A body being decompressed.
pub(super) struct Decoder {
    kind: Kind,
    /// Whether it was given anything: what's empty is no body, and in no coding.
    begun: bool,
}

enum Kind {
    Identity(Kept),
    Gzip(MultiGzDecoder<Kept>),
    /// Before its first byte tells its format.
    Deflate(Kept),
    Inflate {
        kept: Kept,
        state: Decompress,
        ended: bool,
    },
    Brotli {
        kept: Kept,
        state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
        ended: bool,
    },
}

/// A body isn't what its coding says.
#[derive(Debug)]
pub(super) struct Damaged;

/// Bytes decompressed at a time.
const STEP: usize = 16 << 10;

impl Decoder {
    /// Begins a body of which so many bytes are kept.
    pub(super) fn new(coding: Coding, most: usize) -> Self {
        let kept = Kept { bytes: Vec::new(), most, full: false };
        let kind = match coding {
            Coding::Identity => Kind::Identity(kept),
            Coding::Gzip => Kind::Gzip(MultiGzDecoder::new(kept)),
            Coding::Deflate => Kind::Deflate(kept),
            Coding::Brotli => {
                // Strict: without windows larger than 16 MiB, which servers don't use and attackers would.
                let alloc = StandardAlloc::default;
                let state = Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()));
                Kind::Brotli { kept, state, ended: false }
            }
        };
        Self { kind, begun: false }
    }

    /// Takes a piece. Once it's full it takes no more.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), Damaged> {
        let Some(first) = piece.first() else { return Ok(()) };
        self.begun = true;
        if let Kind::Deflate(kept) = &mut self.kind {
            // Some servers leave zlib's wrapping out. In it, the lower half of the first byte is 8.
            let state = Decompress::new(first & 0x0f == 8);
            self.kind = Kind::Inflate { kept: mem::take(kept), state, ended: false };
        }
        match &mut self.kind {
            Kind::Identity(kept) | Kind::Deflate(kept) => {
                kept.keep(piece);
                Ok(())
            }
            Kind::Gzip(decoder) => match decoder.write_all(piece) {
                Err(_) if !decoder.get_ref().full => Err(Damaged),
                _ => Ok(()),
            },
            Kind::Inflate { kept, state, ended } => inflate(piece, kept, state, ended),
            Kind::Brotli { kept, state, ended } => brotli(piece, kept, state, ended),
        }
    }

    /// Whether it has all that's kept, and there was more.
    pub(super) fn is_full(&self) -> bool {
        match &self.kind {
            Kind::Gzip(decoder) => decoder.get_ref().full,
            Kind::Identity(kept) | Kind::Deflate(kept) | Kind::Inflate { kept, .. } | Kind::Brotli { kept, .. } => {
                kept.full
            }
        }
    }

    /// What was kept of a body that isn't read on.
    pub(super) fn kept(self) -> Vec<u8> {
        match self.kind {
            Kind::Gzip(mut decoder) => mem::take(decoder.get_mut()).bytes,
            Kind::Identity(kept) | Kind::Deflate(kept) | Kind::Inflate { kept, .. } | Kind::Brotli { kept, .. } => {
                kept.bytes
            }
        }
    }

    /// What was kept of a body that's at its end.
    pub(super) fn end(self) -> Result<Kept, Damaged> {
        match self.kind {
            Kind::Gzip(_) if !self.begun => Ok(Kept::default()),
            Kind::Gzip(mut decoder) => match decoder.try_finish() {
                Err(_) if !decoder.get_ref().full => Err(Damaged),
                _ => Ok(mem::take(decoder.get_mut())),
            },
            Kind::Identity(kept) | Kind::Deflate(kept) => Ok(kept),
            Kind::Inflate { kept, ended, .. } | Kind::Brotli { kept, ended, .. } => {
                if ended || kept.full || !self.begun { Ok(kept) } else { Err(Damaged) }
            }
        }
    }
}

impl Kept {
    fn keep(&mut self, piece: &[u8]) {
        let room = self.most - self.bytes.len();
        let kept = piece.get(..room);
        self.full |= kept.is_some() && piece.len() > room;
        self.bytes.extend_from_slice(kept.unwrap_or(piece));
    }
}

impl io::Write for Kept {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.keep(piece);
        // Ends the decoder's work as well.
        if self.full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(piece.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn inflate(piece: &[u8], kept: &mut Kept, state: &mut Decompress, ended: &mut bool) -> Result<(), Damaged> {
    let (mut rest, mut buffer) = (piece, vec![0; STEP]);
    while !kept.full {
        if *ended {
            return if rest.is_empty() { Ok(()) } else { Err(Damaged) };
        }
        let before = (state.total_in(), state.total_out());
        let status = state.decompress(rest, &mut buffer, FlushDecompress::None).map_err(|_| Damaged)?;
        let advanced = |now: u64, then: u64| usize::try_from(now - then).map_err(|_| Damaged);
        let (taken, given) = (advanced(state.total_in(), before.0)?, advanced(state.total_out(), before.1)?);
        rest = rest.get(taken..).unwrap_or_default();
        kept.keep(buffer.get(..given).unwrap_or_default());
        *ended = status == Status::StreamEnd;
        if !*ended && rest.is_empty() && given < STEP {
            return Ok(());
        }
        if !*ended && taken == 0 && given == 0 {
            return Err(Damaged);
        }
    }
    Ok(())
}

fn brotli(
    piece: &[u8],
    kept: &mut Kept,
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    ended: &mut bool,
) -> Result<(), Damaged> {
    if *ended {
        return Err(Damaged);
    }
    let (mut left, mut at, mut buffer, mut total) = (piece.len(), 0, vec![0; STEP], 0);
    while !kept.full {
        let (mut room, mut given) = (STEP, 0);
        let result =
            BrotliDecompressStream(&mut left, &mut at, piece, &mut room, &mut given, &mut buffer, &mut total, state);
        kept.keep(buffer.get(..given).unwrap_or_default());
        match result {
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Ok(()),
            BrotliResult::ResultSuccess => {
                *ended = true;
                return if left == 0 || kept.full { Ok(()) } else { Err(Damaged) };
            }
            BrotliResult::ResultFailure => return Err(Damaged),
        }
    }
    Ok(())
}
