//! What a process printed, as far as it is kept: its end, because that is where a program says why it stopped.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// So much of the end of both streams together is kept.
const KEPT_BYTES: usize = 16 * 1024;

/// The end of what was printed.
#[derive(Debug, Default)]
pub(super) struct Output {
    kept: VecDeque<u8>,
    dropped: u64,
}

impl Output {
    fn add(&mut self, bytes: &[u8]) {
        self.kept.extend(bytes);
        let over = self.kept.len().saturating_sub(KEPT_BYTES);
        self.kept.drain(..over);
        self.dropped += over as u64;
    }

    /// As text, with a word about what came before.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        match self.dropped {
            0 => text.into_owned(),
            dropped => format!("[{dropped} bytes before this were not kept]\n{text}"),
        }
    }

    /// Reads both streams to their ends, however much comes: their writer must never block.
    pub(super) async fn fill(
        &mut self,
        mut out: Option<impl AsyncRead + Unpin>,
        mut err: Option<impl AsyncRead + Unpin>,
    ) {
        let (mut first, mut second) = (vec![0; 4096], vec![0; 4096]);
        while out.is_some() || err.is_some() {
            tokio::select! {
                read = next(&mut out, &mut first) => self.add(&first[..read]),
                read = next(&mut err, &mut second) => self.add(&second[..read]),
            }
        }
    }
}

/// Reads on, and forgets a stream that has ended.
async fn next(stream: &mut Option<impl AsyncRead + Unpin>, into: &mut [u8]) -> usize {
    let Some(open) = stream else { return std::future::pending().await };
    if let Ok(read @ 1..) = open.read(into).await {
        return read;
    }
    *stream = None;
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_both_streams_is_kept_and_the_rest_is_counted() {
        let mut output = Output::default();
        let long = vec![b'x'; 3 * KEPT_BYTES];
        output.fill(Some(&long[..]), Some(&b"why\n"[..])).await;
        let text = output.text();
        assert!(text.starts_with("[32772 bytes before this were not kept]\n"), "{}", &text[..60]);
        assert!(text.len() < KEPT_BYTES + 60);
        let mut short = Output::default();
        short.fill(Some(&b"out\n"[..]), None::<&[u8]>).await;
        assert_eq!(short.text(), "out\n");
    }
}
