//! What a program prints on its way into an upload: no more of it in memory than the upload has not taken yet, summed up as it
//! passes, and at its end only where somebody says that this was its end. An upload that never hears so comes to nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

use crate::adapters::child::Taker;
use crate::adapters::store::hex;

/// So many parts of what a program prints (256 KiB at most each) wait for the upload.
const WAITING: usize = 4;

enum Piece {
    Bytes(Vec<u8>),
    End,
}

/// What has passed so far.
#[derive(Default)]
pub(super) struct Tally {
    digest: Sha256,
    bytes: u64,
}

/// Where it goes in.
pub(super) struct Inlet {
    pieces: mpsc::Sender<Piece>,
    tally: Tally,
}

/// What went through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) size_bytes: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

/// Where it comes out. Its end without a word of it is an error.
pub(super) struct Outlet {
    pieces: mpsc::Receiver<Piece>,
    piece: Vec<u8>,
    read: usize,
    has_ended: bool,
}

pub(super) fn flow() -> (Inlet, Outlet) {
    let (into, out) = mpsc::channel(WAITING);
    (
        Inlet { pieces: into, tally: Tally::default() },
        Outlet { pieces: out, piece: Vec::new(), read: 0, has_ended: false },
    )
}

impl Tally {
    pub(super) fn add(&mut self, part: &[u8]) {
        self.digest.update(part);
        self.bytes += part.len() as u64;
    }

    pub(super) fn passed(self) -> Passed {
        Passed { size_bytes: self.bytes, sha256: hex(&self.digest.finalize()) }
    }
}

impl Inlet {
    /// Says that all of it is through.
    pub(super) async fn end(self) -> io::Result<Passed> {
        self.pieces.send(Piece::End).await.map_err(|_| given_up())?;
        Ok(self.tally.passed())
    }
}

impl Taker for Inlet {
    async fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.tally.add(part);
        self.pieces.send(Piece::Bytes(part.to_vec())).await.map_err(|_| given_up())
    }
}

fn given_up() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the upload was given up")
}

impl AsyncRead for Outlet {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.read == self.piece.len() && !self.has_ended {
            match ready!(self.pieces.poll_recv(context)) {
                Some(Piece::Bytes(bytes)) => (self.piece, self.read) = (bytes, 0),
                Some(Piece::End) => self.has_ended = true,
                None => return Poll::Ready(Err(io::Error::other("it did not come to its end"))),
            }
        }
        let rest = &self.piece[self.read..];
        let many = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..many]);
        self.read += many;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn what_goes_in_comes_out_with_its_sum_and_ends_when_that_is_said() {
        let (mut into, mut out) = flow();
        let given = async {
            for part in [&b"some"[..], b"", b" words"] {
                into.take(part).await.unwrap();
            }
            into.end().await.unwrap()
        };
        let mut read = Vec::new();
        let (passed, many) = tokio::join!(given, out.read_to_end(&mut read));
        assert_eq!((many.unwrap(), read.as_slice()), (10, &b"some words"[..]));
        let sha256 = hex(&Sha256::digest(b"some words"));
        assert_eq!(passed, Passed { size_bytes: 10, sha256 });
        assert_eq!(out.read(&mut [0]).await.unwrap(), 0, "an end stays one");
    }

    #[tokio::test]
    async fn what_breaks_off_has_no_end_and_what_nobody_takes_is_given_up() {
        let (mut into, mut out) = flow();
        into.take(b"half").await.unwrap();
        drop(into);
        let mut read = Vec::new();
        let error = out.read_to_end(&mut read).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), read.len()), ("it did not come to its end", 4));
        let (mut into, out) = flow();
        drop(out);
        assert_eq!(into.take(b"half").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
