//! The socket of a dialogue: it notes whether it took what it was given, and reads no more than a bound.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::progress::Progress;

/// All that a server may say in one dialogue: its certificates, and a few lines.
const DIALOGUE_BYTES: usize = 64 * 1024;
/// What it may say before it is asked again: the longest replies, to a greeting, have a few hundred bytes. A reply is
/// read again with every line of it, so that a long one would cost more time than the deadline leaves.
const REPLY_BYTES: usize = 4 * 1024;
/// What the dialogue that begins encrypted by STARTTLS is given as the greeting, which was read before.
const GREETED: &[u8] = b"220 encrypted\r\n";

/// A connection, before it is encrypted.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    progress: Arc<Progress>,
    left: usize,
}

impl Wire {
    pub(super) const fn new(tcp: TcpStream, progress: Arc<Progress>) -> Self {
        Self { tcp, progress, left: DIALOGUE_BYTES }
    }
}

fn spend(left: &mut usize, bytes: usize) -> io::Result<()> {
    *left = left.checked_sub(bytes).ok_or_else(|| io::Error::other("the server says too much"))?;
    Ok(())
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(context, buffer))?;
        Poll::Ready(spend(&mut self.left, buffer.filled().len() - before))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.progress.set_stuck(!matches!(written, Poll::Ready(Ok(_))));
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// The encrypted connection, as the dialogue uses it.
pub(super) struct Sealed {
    tls: TlsStream<Wire>,
    greeting: &'static [u8],
    /// What is left of a reply.
    left: usize,
}

impl Sealed {
    /// A connection on which the server will greet.
    pub(super) const fn ungreeted(tls: TlsStream<Wire>) -> Self {
        Self { tls, greeting: b"", left: REPLY_BYTES }
    }

    /// A connection on which it greeted before it was encrypted.
    pub(super) const fn greeted(tls: TlsStream<Wire>) -> Self {
        Self { tls, greeting: GREETED, left: REPLY_BYTES }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

impl AsyncTokioStream for Sealed {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tls.get_ref().0.tcp.peer_addr()
    }
}

impl AsyncRead for Sealed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.tls).poll_read(context, buffer))?;
            return Poll::Ready(spend(&mut self.left, buffer.filled().len() - before));
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sealed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.left = REPLY_BYTES;
        Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}
