//! The body of a request, watched: whether the HTTP client has taken it to write it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

/// Whether any of the body was taken. Nothing of a message can have arrived before.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(Arc<AtomicBool>);

impl Taken {
    pub(super) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// `bytes` as a body that is watched.
    pub(super) fn watch(&self, bytes: Vec<u8>) -> reqwest::Body {
        reqwest::Body::wrap(Watched { inner: bytes.into(), taken: self.clone() })
    }
}

struct Watched {
    inner: reqwest::Body,
    taken: Taken,
}

type FrameOf<B> = Result<Frame<<B as Body>::Data>, <B as Body>::Error>;

impl Body for Watched {
    type Data = <reqwest::Body as Body>::Data;
    type Error = reqwest::Error;

    /// The client asks for the body once it has a connection and has written the head to its buffer.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<FrameOf<reqwest::Body>>> {
        self.taken.0.store(true, Ordering::Release);
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
