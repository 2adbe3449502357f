//! Hostile input: answers of PM2, settings, views. Nothing panics, nothing hangs, nothing broken is believed.
//!
//! Inputs are real ones with damage: bytes flipped, cut, doubled, swapped for words that hurt. Their number is
//! `OPSWARDEN_PROOF_N` (300 of each kind unless set); the order is always the same.
#![expect(clippy::disallowed_methods, reason = "the test asks for its size and measures time")]
#![expect(clippy::print_stderr, reason = "the figures are what the programme is for")]

use std::path::Path;
use std::time::{Duration, Instant};

use opswarden::adapters::own_usage::own_usage;
use opswarden::adapters::pm2::{Pm2, Pm2Read};
use opswarden::app::config::{Config, Environ};
use opswarden::app::registry;
use opswarden::domain::view::OpsState;
use opswarden::ports::processes::Processes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

/// One input may take so long; a PM2 that keeps silent is given up at its own deadline and is not among these.
const SLOWEST: Duration = Duration::from_secs(1);
/// The whole programme may use so much memory.
const LARGEST: u64 = 256 * 1024 * 1024;

fn number() -> u64 {
    std::env::var("OPSWARDEN_PROOF_N").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

/// A small generator of its own, so that every run sees the same inputs (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (sides.max(1) as u64)).expect("smaller than its sides")
    }
}

const WORDS: [&[u8]; 12] = [
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"[]",
    b"{}",
    b"\"",
    b"\\u0000",
    b"\xff\xfe",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"true",
    b"\n\n",
];

/// `text` with one to four injuries.
fn injured(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(5) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            2 => {
                let end = (at + dice.roll(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + dice.roll(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let word = WORDS[dice.roll(WORDS.len())];
                let end = (at + dice.roll(6)).min(bytes.len());
                bytes.splice(at..end, word.iter().copied());
            }
        }
    }
    bytes
}

fn timed<T>(what: &str, case: u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    assert!(start.elapsed() < SLOWEST, "{what} {case} took {:?}", start.elapsed());
    done
}

fn small() -> u64 {
    let used = own_usage().get("rss_bytes").copied().unwrap_or_default();
    assert!(used < LARGEST, "{used} bytes");
    used
}

const ROW: &str = r#"{"pid":7,"name":"shop","pm_id":0,"monit":{"memory":100,"cpu":0},"pm2_env":{"status":"online","restart_time":0,"pm_uptime":1790000000000,"created_at":1790000000000,"exec_mode":"fork_mode","autorestart":true,"max_memory_restart":1000,"pm_exec_path":"/bin/true","pm_cwd":"/","pm_out_log_path":"/dev/null","pm_err_log_path":"/dev/null","exit_code":0,"instances":1}}"#;

fn argument(text: &[u8]) -> Vec<u8> {
    let size = u32::try_from(text.len()).expect("a small frame");
    [size.to_be_bytes().as_slice(), text].concat()
}

/// A whole answer to the request of this id.
fn answer(rows: &str, id: &[u8]) -> Vec<u8> {
    let json = format!("j:{{\"args\":[[{rows}]]}}");
    [&[0x12][..], &argument(json.as_bytes()), &argument(id)].concat()
}

/// The id of a request: its second argument.
fn request_id(request: &[u8]) -> Option<Vec<u8>> {
    let size = |at: usize| {
        let bytes: [u8; 4] = request.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let second = 5 + size(1)?;
    request.get(second + 4..second + 4 + size(second)?).map(<[u8]>::to_vec)
}

/// Asks PM2 through a socket that gives `damage(answer)`.
async fn listed(home: &Path, damage: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Result<usize, String> {
    let socket = home.join("rpc.sock");
    let _left = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).expect("a socket in a temporary folder");
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut request = vec![0_u8; 4096];
        let size = stream.read(&mut request).await.expect("a request");
        let id = request_id(&request[..size]).expect("a request of the known form");
        let bytes = damage(answer(&format!("{ROW},{ROW}"), &id));
        let _gone = stream.write_all(&bytes).await;
        let _gone = stream.shutdown().await;
    };
    let pm2 = Pm2::new(home.to_owned(), Pm2Read::Socket, vec!["pm2".to_owned()]);
    let (seen, ()) = tokio::join!(pm2.list(), serve);
    seen.map(|scan| scan.items.len()).map_err(|blind| blind.why)
}

#[tokio::test]
async fn no_answer_of_pm2_is_believed_unless_it_is_whole() {
    let home = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(listed(home.path(), |whole| whole).await, Ok(2), "the undamaged answer is read");
    let mut dice = Dice(1);
    let (mut blind, mut read) = (0, 0);
    for case in 0..number() {
        let start = Instant::now();
        let cut = dice.roll(4) == 0;
        let seen = listed(home.path(), |whole| {
            if cut { whole[..dice.roll(whole.len())].to_vec() } else { injured(&whole, &mut dice) }
        })
        .await;
        assert!(start.elapsed() < SLOWEST, "case {case} took {:?}", start.elapsed());
        match seen {
            Ok(rows) => {
                assert!(!cut, "case {case}: a cut answer was read as {rows} processes");
                read += 1;
            }
            Err(why) => {
                assert!(!why.is_empty());
                blind += 1;
            }
        }
    }
    eprintln!(
        "answers of PM2: {} damaged, {blind} refused, {read} harmless, 0 panics, {} bytes",
        number(),
        small()
    );
}

#[test]
fn no_settings_make_it_panic_or_hang() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/agents.toml"))
        .expect("the shipped settings");
    let environ = Environ::of([]);
    let read =
        |text: &str| Config::from_text(Path::new("agents.toml"), text, &environ, registry::ALL);
    assert!(read(&text).is_ok(), "the undamaged settings are read");
    let live = text.replace("\n#", "\n");
    let mut dice = Dice(2);
    let (mut refused, mut accepted) = (0, 0);
    for case in 0..number() {
        let source = if dice.roll(2) == 0 { &text } else { &live };
        let bytes = injured(source.as_bytes(), &mut dice);
        let damaged = String::from_utf8_lossy(&bytes);
        match timed("settings", case, || read(&damaged)) {
            Ok(_) => accepted += 1,
            Err(errors) => {
                assert!(!errors.to_string().is_empty());
                refused += 1;
            }
        }
    }
    eprintln!(
        "settings: {} damaged, {refused} refused, {accepted} still good, 0 panics, {} bytes",
        number(),
        small()
    );
}

const VIEW: &str = r#"{"schemaVersion":1,"ledgerId":"l","ledgerSeq":3,"lastUpdated":"2026-11-20T12:00:00Z","validUntil":"2026-11-20T12:10:00Z","systemStatus":"DEGRADED","reasons":["x"],"lastRun":{"health-guardian":"2026-11-20T12:00:00Z"},"incidents":[{"id":"INC-1","agent":"health-guardian","type":"process_down","target":"process:pm2:shop","detected":"2026-11-20T11:00:00Z","remediation":"none yet","status":"open","attempts":1,"severity":"critical","message":"m"}],"incidentsOmitted":0,"recentRemediations":[],"agentResults":{},"controls":[]}"#;

#[tokio::test]
async fn no_view_makes_an_import_panic_or_lose_what_is_there() {
    use opswarden::adapters::store::{
        Access, ImportSource, SqliteStore, StoreOptions, import, verify,
    };
    use opswarden::adapters::system_clock::SystemClock;
    serde_json::from_str::<OpsState>(VIEW).expect("the undamaged view is one");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("view.json");
    let mut dice = Dice(3);
    let (mut refused, mut taken) = (0, 0);
    for case in 0..number() {
        let state = tempfile::tempdir().expect("a temporary folder");
        let options = StoreOptions {
            state_dir: state.path().to_owned(),
            environment: opswarden::domain::severity::Environment::Production,
            host: "host-a".to_owned(),
            roster: Vec::new(),
            notices: None,
            access: Access::ReadWrite,
            clock: std::sync::Arc::new(SystemClock::new()),
        };
        let store = SqliteStore::open(options).await.expect("a new ledger");
        std::fs::write(&file, injured(VIEW.as_bytes(), &mut dice)).expect("it is written");
        let start = Instant::now();
        match ImportSource::read(&file) {
            Ok(source) => {
                import(&store, &source, "human:test").await.expect("the ledger takes it");
                taken += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
        assert!(start.elapsed() < SLOWEST, "case {case} took {:?}", start.elapsed());
        let report = verify(&store).await.expect("it can be examined");
        assert!(report.is_clean(), "case {case}: {:?}", report.findings);
        store.close().await.expect("it closes");
    }
    eprintln!(
        "views: {} damaged, {refused} refused, {taken} taken over, 0 panics, {} bytes",
        number(),
        small()
    );
}
