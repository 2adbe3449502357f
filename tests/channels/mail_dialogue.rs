//! A mail server that follows a script up to a phase, and then does what no good server does.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where a dialogue stands, before the server's next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Greeting,
    Ehlo,
    StartTls,
    Handshake,
    EhloAgain,
    Auth,
    From,
    To,
    Data,
    /// After the go-ahead, with the letter still unread.
    Body,
    /// After the last dot.
    Dot,
    /// After it was taken.
    Quit,
}

pub(crate) const PHASES: [Phase; 12] = [
    Phase::Greeting,
    Phase::Ehlo,
    Phase::StartTls,
    Phase::Handshake,
    Phase::EhloAgain,
    Phase::Auth,
    Phase::From,
    Phase::To,
    Phase::Data,
    Phase::Body,
    Phase::Dot,
    Phase::Quit,
];

/// What it does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Hang,
    Reset,
    Say(&'static str),
    /// Says it again and again, without an end.
    Babble(&'static str),
}

/// A server on a free port of this machine, and the lines that it was told.
pub(crate) struct Dialogue {
    pub(crate) port: u16,
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
}

impl Dialogue {
    pub(crate) fn start(acceptor: TlsAcceptor, phase: Phase, fault: Fault) -> Self {
        let listener = listener();
        let port = listener.local_addr().unwrap().port();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let own = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = Script { phase, fault, lines: Arc::clone(&own) };
                let acceptor = acceptor.clone();
                tokio::spawn(async move { script.follow(stream, acceptor).await });
            }
        });
        Self { port, lines }
    }

    /// The first word of every line.
    pub(crate) fn verbs(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }
}

/// With little room for what nobody reads, so that a large letter does not fit.
fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(16).unwrap()
}

struct Script {
    phase: Phase,
    fault: Fault,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn follow(&self, mut stream: TcpStream, acceptor: TlsAcceptor) -> Option<()> {
        if self.fault == Fault::Reset {
            stream.set_zero_linger().unwrap();
        }
        self.say(&mut stream, Phase::Greeting, "220 mail.example.test\r\n").await?;
        self.hear(&mut stream).await?;
        self.say(&mut stream, Phase::Ehlo, "250-mail.example.test\r\n250 STARTTLS\r\n").await?;
        self.hear(&mut stream).await?;
        self.say(&mut stream, Phase::StartTls, "220 go ahead\r\n").await?;
        self.say(&mut stream, Phase::Handshake, "").await?;
        let mut stream = acceptor.accept(stream).await.ok()?;
        self.hear(&mut stream).await?;
        self.say(&mut stream, Phase::EhloAgain, "250-mail\r\n250 AUTH PLAIN\r\n").await?;
        for (phase, answer) in [
            (Phase::Auth, "235 welcome\r\n"),
            (Phase::From, "250 from\r\n"),
            (Phase::To, "250 to\r\n"),
            (Phase::To, "250 to\r\n"),
            (Phase::Data, "354 go ahead\r\n"),
        ] {
            self.hear(&mut stream).await?;
            self.say(&mut stream, phase, answer).await?;
        }
        if self.phase == Phase::Body {
            // Some of it, so that the rest is in the middle.
            let mut some = vec![0; 1_024];
            stream.read_exact(&mut some).await.ok()?;
        }
        self.say(&mut stream, Phase::Body, "").await?;
        while self.hear(&mut stream).await? != "." {}
        self.say(&mut stream, Phase::Dot, "250 taken\r\n").await?;
        self.hear(&mut stream).await?;
        self.say(&mut stream, Phase::Quit, "221 bye\r\n").await
    }

    /// Says `line`, unless this is the phase of the fault. `None` ends the dialogue.
    async fn say<S>(&self, stream: &mut S, phase: Phase, line: &str) -> Option<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if phase != self.phase {
            stream.write_all(line.as_bytes()).await.ok()?;
            return stream.flush().await.ok();
        }
        match self.fault {
            Fault::Hang => std::future::pending().await,
            Fault::Reset => {}
            Fault::Say(line) => {
                // To whatever it is asked from now on, too.
                let mut answer = line;
                while stream.write_all(answer.as_bytes()).await.is_ok()
                    && stream.flush().await.is_ok()
                {
                    let asked = self.hear(stream).await?;
                    answer = if asked == "QUIT" { "221 bye\r\n" } else { line };
                }
            }
            Fault::Babble(line) => while stream.write_all(line.as_bytes()).await.is_ok() {},
        }
        None
    }

    async fn hear(&self, stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await.ok()?);
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        self.lines.lock().unwrap().push(line.clone());
        Some(line)
    }
}
