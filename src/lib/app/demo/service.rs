//! The demo's services: real processes that answer on loopback, tell their status as init scripts do, and end
//! with the demo.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::adapters::detached::start_detached;
use crate::adapters::system_clock::SystemClock;
use crate::app::exit::Exit;
use crate::app::opsctl::args::DemoVerb;
use crate::app::out;
use crate::ports::clock::Clock;

/// The service that another one cannot work without.
pub(super) const DATABASE: &str = "database";
/// The service that needs the database.
pub(super) const API: &str = "api";
/// The service that breaks.
pub(super) const SHOP: &str = "shop";

/// How long the api waits for the database before it says that it is not ready.
const DATABASE_PATIENCE: Duration = Duration::from_millis(200);
/// How often a service looks whether the demo is still there.
const LOOK_FOR_DEMO: Duration = Duration::from_millis(300);
/// How long a restarted service may take to answer.
const START: Duration = Duration::from_secs(5);
/// A request longer than this is none of the demo's.
const REQUEST_BYTES: usize = 4096;

/// The files of one service in the demo's folder.
pub(super) struct Files {
    folder: PathBuf,
    name: String,
}

impl Files {
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        Self { folder: folder.to_owned(), name: name.to_owned() }
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.file("log")
    }

    pub(super) fn set_port(&self, port: u16) -> std::io::Result<()> {
        fs::write(self.file("port"), port.to_string())
    }

    pub(super) fn port(&self) -> Option<u16> {
        fs::read_to_string(self.file("port")).ok()?.trim().parse().ok()
    }

    /// The pid that was started last, alive or not.
    pub(super) fn pid(&self) -> Option<Pid> {
        let number: i32 = fs::read_to_string(self.file("pid")).ok()?.trim().parse().ok()?;
        Pid::from_raw(number)
    }

    /// The pid, if it is a living process of this demo: its command line names the demo's folder.
    pub(super) fn living(&self) -> Option<Pid> {
        let pid = self.pid()?;
        let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
        let folder = self.folder.to_str()?;
        let ours = command.split(|byte| *byte == 0).any(|word| word == folder.as_bytes());
        (ours && test_kill_process(pid).is_ok()).then_some(pid)
    }
}

/// Carries out what one of the demo's processes was started for.
pub(crate) fn run(verb: &DemoVerb) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("failed to start: {error}"));
            return Exit::Incomplete;
        }
    };
    let done = match verb {
        DemoVerb::Status { folder, name } => return status(&Files::of(folder, name)),
        DemoVerb::Serve { folder, name } => runtime.block_on(serve(&Files::of(folder, name))),
        DemoVerb::Restart { folder, name } => runtime.block_on(restart(&Files::of(folder, name))),
    };
    match done {
        Ok(()) => Exit::Clean,
        Err(why) => {
            out::complain(&why);
            Exit::Findings
        }
    }
}

/// 0 and the pid while it runs; 1 where it died.
fn status(files: &Files) -> Exit {
    match files.living() {
        Some(pid) if out::say(&pid.as_raw_nonzero().to_string()).is_ok() => Exit::Clean,
        _ => Exit::Findings,
    }
}

/// Starts a service anew and waits until it answers.
pub(super) async fn restart(files: &Files) -> Result<(), String> {
    let clock = SystemClock::new();
    if let Some(pid) = files.living() {
        kill_process(pid, Signal::KILL).map_err(|error| format!("failed to stop it: {error}"))?;
        while files.living().is_some() && clock.elapsed() < START {
            clock.sleep(Duration::from_millis(20)).await;
        }
    }
    let program =
        std::env::current_exe().map_err(|error| format!("failed to find this program: {error}"))?;
    let words = [
        program.display().to_string(),
        "demo-service".to_owned(),
        "serve".to_owned(),
        files.folder.display().to_string(),
        files.name.clone(),
    ];
    let pid = start_detached(&words, &files.log())?;
    fs::write(files.file("pid"), pid.to_string())
        .map_err(|error| format!("failed to note its pid: {error}"))?;
    let port = files.port().ok_or("it has no port")?;
    while clock.elapsed() < START {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        clock.sleep(Duration::from_millis(20)).await;
    }
    Err(format!("{} does not listen on port {port} after {} s", files.name, START.as_secs()))
}

/// Whether the demo that owns `folder` still runs.
fn demo_lives(folder: &Path) -> bool {
    Files::of(folder, "demo").pid().is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Answers until the demo is gone.
async fn serve(files: &Files) -> Result<(), String> {
    let port = files.port().ok_or("it has no port")?;
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| format!("failed to listen on port {port}: {error}"))?;
    out::complain(&format!("{} listens on 127.0.0.1:{port}", files.name));
    let clock = SystemClock::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => answer(files, stream, &clock).await,
                Err(error) => return Err(format!("failed to accept: {error}")),
            },
            () = clock.sleep(LOOK_FOR_DEMO) => {
                if !demo_lives(&files.folder) {
                    out::complain("the demo is gone, so this service ends too");
                    return Ok(());
                }
            }
        }
    }
}

async fn answer(files: &Files, mut stream: TcpStream, clock: &SystemClock) {
    let patience = Duration::from_secs(1);
    let read = tokio::select! {
        read = request(&mut stream) => read,
        () = clock.sleep(patience) => None,
    };
    if read.is_none() {
        return;
    }
    let (status, body) = ready(files, clock).await;
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    if stream.write_all(text.as_bytes()).await.is_ok() {
        // A client that is gone already has its answer, or does not want it.
        let _ = stream.shutdown().await;
    }
}

async fn request(stream: &mut TcpStream) -> Option<()> {
    let mut seen = Vec::new();
    let mut chunk = [0_u8; 512];
    while seen.len() < REQUEST_BYTES {
        let size = stream.read(&mut chunk).await.ok().filter(|size| *size > 0)?;
        seen.extend_from_slice(chunk.get(..size)?);
        if seen.windows(4).any(|end| end == b"\r\n\r\n") {
            return Some(());
        }
    }
    None
}

/// The api is ready while the database answers; the others always are.
async fn ready(files: &Files, clock: &SystemClock) -> (&'static str, &'static str) {
    const WELL: (&str, &str) = ("200 OK", r#"{"status":"ok"}"#);
    const UNREADY: (&str, &str) =
        ("503 Service Unavailable", r#"{"status":"unhealthy","database":"no answer"}"#);
    if files.name != API {
        return WELL;
    }
    let database = Files::of(&files.folder, DATABASE);
    let answered = tokio::select! {
        answered = asks(&database) => answered,
        () = clock.sleep(DATABASE_PATIENCE) => None,
    };
    if answered.is_some() { WELL } else { UNREADY }
}

async fn asks(database: &Files) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", database.port()?)).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.ok()?;
    let mut first = [0_u8; 1];
    stream.read_exact(&mut first).await.ok().map(|_| ())
}
