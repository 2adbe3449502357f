//! PM2 through the socket that its own command line uses. It never starts a daemon: one that is gone is refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::frame::{MOST_BYTES, decode, encode};
use crate::domain::sight::{Blind, Sight};
use crate::ports::processes::ActFailure;

/// How long a question may take: the rows of a hundred processes take a few milliseconds.
const QUESTION: Duration = Duration::from_secs(5);
/// How long a connection to a socket on this host may take.
const CONNECT: Duration = Duration::from_secs(2);
/// The one question of a connection needs no more than one name.
const ID: &[u8] = b"s:1";

/// A call that did not get an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Nothing was sent.
    #[error("PM2 does not answer at {path}: {why}")]
    NoDaemon {
        /// The socket.
        path: String,
        /// A fragment.
        why: String,
    },
    /// PM2 answered with an error.
    #[error("PM2 refused: {0}")]
    Refused(String),
    /// It was sent; what became of it is not known.
    #[error("PM2's answer was lost: {0}")]
    Lost(String),
}

impl From<CallError> for Blind {
    fn from(error: CallError) -> Self {
        Self::because(error.to_string())
    }
}

impl From<CallError> for ActFailure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoDaemon { .. } | CallError::Refused(_) => Self::Refused(error.to_string()),
            CallError::Lost(_) => Self::Unknown(error.to_string()),
        }
    }
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    args: Option<Vec<&'a RawValue>>,
    error: Option<serde_json::Value>,
}

/// The socket in PM2's home.
pub(super) fn path(home: &Path) -> PathBuf {
    home.join("rpc.sock")
}

/// A connection to the daemon, if there is one.
pub(super) async fn connect(home: &Path) -> Result<UnixStream, CallError> {
    let path = path(home);
    let no_daemon = |why: String| CallError::NoDaemon { path: path.display().to_string(), why };
    match timeout(CONNECT, UnixStream::connect(&path)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(no_daemon(error.to_string())),
        Err(_) => Err(no_daemon("the connection is not accepted".to_owned())),
    }
}

/// The rows of every process, as JSON.
pub(super) async fn rows(home: &Path) -> Sight<Vec<u8>> {
    Ok(call(home, "getMonitorData", &json!({}), QUESTION).await?)
}

/// Calls one method with one argument and returns its result as JSON.
pub(super) async fn call(
    home: &Path,
    method: &str,
    argument: &serde_json::Value,
    deadline: Duration,
) -> Result<Vec<u8>, CallError> {
    let stream = connect(home).await?;
    let request = json!({ "type": "call", "method": method, "args": [argument] });
    let frame = encode(&[format!("j:{request}").into_bytes(), ID.to_vec()])
        .ok_or_else(|| CallError::Refused("the question does not fit a frame".to_owned()))?;
    match timeout(deadline, exchange(stream, &frame)).await {
        Ok(result) => result,
        Err(_) => Err(CallError::Lost(format!("none came within {} s", deadline.as_secs()))),
    }
}

async fn exchange(mut stream: UnixStream, frame: &[u8]) -> Result<Vec<u8>, CallError> {
    let lost = |error: std::io::Error| CallError::Lost(error.to_string());
    stream.write_all(frame).await.map_err(lost)?;
    let mut read = Vec::new();
    loop {
        match decode(&read).map_err(|error| CallError::Lost(error.to_string()))? {
            Some((arguments, length)) => match arguments.as_slice() {
                [answer, id] if *id == ID => return result(answer),
                // Not ours: an event that the daemon tells everybody.
                _ => drop(read.drain(..length)),
            },
            None if read.len() > MOST_BYTES => {
                return Err(CallError::Lost("it is longer than 16 MiB".to_owned()));
            }
            None => {
                if stream.read_buf(&mut read).await.map_err(lost)? == 0 {
                    return Err(CallError::Lost("PM2 hung up".to_owned()));
                }
            }
        }
    }
}

fn result(answer: &[u8]) -> Result<Vec<u8>, CallError> {
    let not_understood = || CallError::Lost("it is not understood".to_owned());
    let json = answer.strip_prefix(b"j:").ok_or_else(not_understood)?;
    let reply: Reply<'_> = serde_json::from_slice(json).map_err(|_| not_understood())?;
    match (reply.error, reply.args.as_deref()) {
        (Some(error), _) => {
            Err(CallError::Refused(error.as_str().unwrap_or("no reason").to_owned()))
        }
        (None, Some([result, ..])) => Ok(result.get().as_bytes().to_vec()),
        (None, Some([])) => Ok(b"null".to_vec()),
        (None, None) => Err(not_understood()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    fn frame(answer: &str, id: &str) -> Vec<u8> {
        encode(&[answer.as_bytes().to_vec(), id.as_bytes().to_vec()]).unwrap()
    }

    async fn answered_with(bytes: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let home = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(path(home.path())).unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0; 16];
            let _read = stream.read(&mut question).await;
            let _written = stream.write_all(&bytes).await;
            stream
        });
        let result = call(home.path(), "x", &json!({}), Duration::from_millis(300)).await;
        drop(server.await);
        result
    }

    #[tokio::test]
    async fn a_whole_answer_is_returned() {
        let answer = answered_with(frame(r#"j:{"args":[[]]}"#, "s:1")).await;
        assert_eq!(answer.unwrap(), b"[]");
    }

    #[tokio::test]
    async fn an_answer_to_another_question_is_passed_over() {
        let mut bytes = frame(r#"j:{"args":[[]]}"#, "s:9");
        bytes.extend(frame(r#"j:{"args":[7]}"#, "s:1"));
        assert_eq!(answered_with(bytes).await.unwrap(), b"7");
    }

    #[tokio::test]
    async fn an_error_is_a_refusal() {
        let answer = answered_with(frame(r#"j:{"error":"no"}"#, "s:1")).await;
        assert!(matches!(answer, Err(CallError::Refused(why)) if why == "no"));
    }

    #[tokio::test]
    async fn half_an_answer_silence_and_nonsense_are_lost_answers() {
        for bytes in
            [&b""[..], b"\x12\0\0\0\x0ej:{\"args", b"HTTP/1.1 200", b"\x11\xff\xff\xff\xff"]
        {
            let answer = answered_with(bytes.to_vec()).await;
            assert!(matches!(answer, Err(CallError::Lost(_))), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_daemon_that_is_not_there_is_told_apart_from_a_lost_answer() {
        let home = tempfile::tempdir().unwrap();
        let absent = call(home.path(), "x", &json!({}), QUESTION).await;
        assert!(matches!(absent, Err(CallError::NoDaemon { .. })));
        drop(UnixListener::bind(path(home.path())).unwrap());
        let refused = call(home.path(), "x", &json!({}), QUESTION).await;
        assert!(matches!(refused, Err(CallError::NoDaemon { .. })));
    }
}
