//! A receiver over HTTP that writes down what it was asked and then does as it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What the receiver does once it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Answers, whole.
    Say(Vec<u8>),
    /// Says this and breaks the connection off.
    Half(Vec<u8>),
    /// Never answers.
    Silence,
    /// Breaks the connection off without a word.
    Reset,
    /// Says this, and then one space after the other.
    Drip(Vec<u8>),
    /// Says this, and then more than anybody wants.
    Flood(Vec<u8>),
}

pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Deed {
    let length = format!("Content-Length: {}", body.len());
    let first = format!("HTTP/1.1 {status}");
    let lines = [&[first.as_str()], headers, &[length.as_str(), "", ""]].concat();
    let head = lines.join("\r\n");
    Deed::Say([head.as_bytes(), body.as_bytes()].concat())
}

type Answers = Arc<dyn Fn(&Asked) -> Deed + Send + Sync>;

/// A receiver on a free port of this machine.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Receiver {
    pub(crate) async fn start(answers: impl Fn(&Asked) -> Deed + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(answers), None).await
    }

    /// One that always does the same.
    pub(crate) async fn doing(deed: Deed) -> Self {
        Self::start(move |_| deed.clone()).await
    }

    pub(crate) async fn start_tls(deed: Deed, acceptor: TlsAcceptor) -> Self {
        Self::serve(Arc::new(move |_| deed.clone()), Some(acceptor)).await
    }

    async fn serve(answers: Answers, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Self { address, asked: Arc::default() };
        let asked = Arc::clone(&receiver.asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, asked, tls) = (Arc::clone(&answers), Arc::clone(&asked), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &answers, &asked).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, &answers, &asked).await;
                            }
                        }
                    }
                });
            }
        });
        receiver
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    answers: &Answers,
    asked: &Mutex<Vec<Asked>>,
) {
    let Some(request) = read(&mut stream).await else { return };
    let deed = answers(&request);
    asked.lock().unwrap().push(request);
    match deed {
        Deed::Say(bytes) => {
            let _hung_up = stream.write_all(&bytes).await;
            let _hung_up = stream.shutdown().await;
        }
        Deed::Half(bytes) => {
            let _hung_up = stream.write_all(&bytes).await;
        }
        Deed::Silence => std::future::pending().await,
        // With a request read to its end, dropping the connection ends it without a word.
        Deed::Reset => {}
        Deed::Drip(bytes) => {
            let _hung_up = stream.write_all(&bytes).await;
            while stream.write_all(b" ").await.is_ok() && stream.flush().await.is_ok() {
                pause().await;
            }
        }
        Deed::Flood(bytes) => {
            let _hung_up = stream.write_all(&bytes).await;
            while stream.write_all(&[b'x'; 8_192]).await.is_ok() {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a receiver that drips takes its time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return None;
        }
    };
    let mut body = bytes.split_off(head + 4);
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    assert!(!headers.contains_key("transfer-encoding"), "the body has a known length");
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        if !matches!(stream.read_buf(&mut body).await, Ok(1..)) {
            return None;
        }
    }
    Some(Asked { method, path, headers, body })
}

/// A listener that resets whoever comes, before it has read anything.
pub(crate) async fn resetting() -> SocketAddr {
    listener(|stream| async move {
        let _reset = stream.set_zero_linger();
    })
    .await
}

/// A listener that accepts and never says a word.
pub(crate) async fn mute() -> SocketAddr {
    listener(|stream| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    })
    .await
}

async fn listener<F>(treat: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream));
        }
    });
    address
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}
