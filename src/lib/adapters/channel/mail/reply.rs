//! A mail server's reply in plain text. Nothing may follow it: whoever speaks before being asked is not the server.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// More than any server says to a greeting.
const REPLY_BYTES: usize = 16 * 1024;

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NoReply {
    Io(std::io::Error),
    /// It is not how mail servers speak.
    Strange(&'static str),
}

/// Reads one reply.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Reply, NoReply> {
    let mut bytes = Vec::new();
    loop {
        if let Some(reply) = whole(&bytes)? {
            return Ok(reply);
        }
        if bytes.len() > REPLY_BYTES {
            return Err(NoReply::Strange("it talks without an end"));
        }
        let read = stream.read_buf(&mut bytes).await.map_err(NoReply::Io)?;
        if read == 0 {
            return Err(NoReply::Io(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// The reply, once its last line is whole: the one whose code is followed by a space or by nothing.
fn whole(bytes: &[u8]) -> Result<Option<Reply>, NoReply> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = rest[..end].trim_ascii_end();
        rest = &rest[end + 1..];
        let code = line.get(..3).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        let Some(code) = code else { return Err(NoReply::Strange("it is no mail server")) };
        lines.push(String::from_utf8_lossy(line.get(4..).unwrap_or_default()).into_owned());
        match (line.get(3), rest.is_empty()) {
            (Some(b'-'), _) => {}
            (_, true) => return Ok(Some(Reply { code, text: lines.join("\n") })),
            (_, false) => {
                return Err(NoReply::Strange("it said more than it was asked in plain text"));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reading(mut bytes: &[u8]) -> Result<(u16, String), String> {
        match read(&mut bytes).await {
            Ok(reply) => Ok((reply.code, reply.text)),
            Err(NoReply::Io(error)) => Err(error.kind().to_string()),
            Err(NoReply::Strange(why)) => Err(why.to_owned()),
        }
    }

    #[tokio::test]
    async fn a_reply_may_have_many_lines_and_nothing_after_the_last() {
        assert_eq!(reading(b"220 ready\r\n").await, Ok((220, "ready".into())));
        assert_eq!(reading(b"250\r\n").await, Ok((250, String::new())));
        assert_eq!(reading(b"250-a\r\n250-b\n250 c\r\n").await, Ok((250, "a\nb\nc".into())));
        let injected = reading(b"220 go ahead\r\n250-AUTH LOGIN\r\n").await;
        assert_eq!(injected, Err("it said more than it was asked in plain text".into()));
    }

    #[tokio::test]
    async fn half_a_reply_and_something_else_are_no_replies() {
        assert_eq!(reading(b"250-a\r\n").await, Err("unexpected end of file".into()));
        assert_eq!(reading(b"220 rea").await, Err("unexpected end of file".into()));
        assert_eq!(reading(b"SSH-2.0-OpenSSH\r\n").await, Err("it is no mail server".into()));
        let endless = "250-more\r\n".repeat(REPLY_BYTES);
        assert_eq!(reading(endless.as_bytes()).await, Err("it talks without an end".into()));
    }
}
