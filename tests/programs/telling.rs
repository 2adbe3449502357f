//! People are told by the programs themselves: once, with the end; and whoever does not answer delays nobody.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fake::OPSCTL;

const GUARDIAN: &str = env!("CARGO_BIN_EXE_health-guardian");
const REPORTER: &str = env!("CARGO_BIN_EXE_ops-reporter");

/// What a receiver does with a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    Answers,
    NeverAnswers,
}

/// A receiver of webhooks on loopback, and what arrived there.
pub(crate) struct Inbox {
    pub(crate) url: String,
    pub(crate) arrived: Arc<Mutex<Vec<Value>>>,
    /// The paths that were asked for.
    paths: Arc<Mutex<Vec<String>>>,
}

impl Inbox {
    pub(crate) fn open(receiver: Receiver) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let url = format!("http://{}/hook", listener.local_addr().expect("it has an address"));
        let arrived: Arc<Mutex<Vec<Value>>> = Arc::default();
        let paths: Arc<Mutex<Vec<String>>> = Arc::default();
        let (inbox, asked) = (Arc::clone(&arrived), Arc::clone(&paths));
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().flatten() {
                let (path, message, stream) = read(stream);
                asked.lock().expect("nobody panics while it is held").push(path);
                inbox.lock().expect("nobody panics while it is held").extend(message);
                match receiver {
                    Receiver::Answers => answer(stream),
                    Receiver::NeverAnswers => kept.push(stream),
                }
            }
        });
        Self { url, arrived, paths }
    }

    fn kinds(&self) -> Vec<String> {
        let arrived = self.arrived.lock().expect("nobody panics while it is held");
        arrived.iter().map(|one| one["kind"].as_str().unwrap_or("?").to_owned()).collect()
    }
}

/// The path of one request, and its whole body where that is JSON.
fn read(mut stream: TcpStream) -> (String, Option<Value>, TcpStream) {
    let (mut bytes, mut part) = (Vec::new(), [0_u8; 4096]);
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
    while let Ok(many) = stream.read(&mut part) {
        bytes.extend_from_slice(&part[..many]);
        let text = String::from_utf8_lossy(&bytes);
        let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            if let Ok(message) = serde_json::from_str(body) {
                return (path, Some(message), stream);
            }
            if body.len() >= length(head) {
                return (path, None, stream);
            }
        }
        if many == 0 {
            break;
        }
    }
    (String::new(), None, stream)
}

fn length(head: &str) -> usize {
    let of = |line: &str| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok();
    head.lines().find_map(of).unwrap_or(0)
}

fn answer(mut stream: TcpStream) {
    let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

/// A folder with one service, whose port nobody listens on, and one channel.
pub(crate) struct House {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    inbox: Inbox,
    pings: Option<Inbox>,
    /// What stands in the address of the channel, if not the inbox.
    address: Option<&'static str>,
    /// What stands in the environment beside it.
    pub(crate) given: Vec<(String, String)>,
}

/// The channel of a house.
const HOOK: &str = "[[notify.channels]]\nname = \"hook\"\nkind = \"webhook\"\npause = \"0s\"\n";

impl House {
    fn new(receiver: Receiver) -> Self {
        Self::with(receiver, HOOK)
    }

    /// With these channels instead of the one.
    pub(crate) fn with(receiver: Receiver, channels: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = free.local_addr().expect("it has an address").port();
        let limits = "cpu_percent = 100\nmemory_percent = 100\nswap_percent = 100\ndisk_percent = 100\n\
                      disk_critical_percent = 100\nload_percent = 100000\n";
        let settings = format!(
            "host = \"host-a\"\n{channels}\
             [agents.health-guardian]\nprobe_pause = \"20ms\"\nprocess_pause = \"20ms\"\n\
             [agents.health-guardian.limits]\n{limits}\
             [[agents.health-guardian.services]]\nname = \"web\"\n\
             [[agents.health-guardian.services.probes]]\nurl = \"tcp://127.0.0.1:{port}\"\n"
        );
        std::fs::write(folder.path().join("agents.toml"), settings).expect("it is written");
        Self {
            folder,
            port,
            inbox: Inbox::open(receiver),
            pings: None,
            address: None,
            given: Vec::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    #[expect(clippy::disallowed_methods, reason = "programs are what is tried here")]
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> String {
        let mut command = std::process::Command::new(program);
        command.args(words).current_dir(self.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("OPSWARDEN_CONFIG", self.path().join("agents.toml"));
        command.env("WEBHOOK_URL_HOOK", self.address.unwrap_or(&self.inbox.url));
        command.envs(self.given.iter().map(|(name, value)| (name, value)));
        if let Some(pings) = &self.pings {
            command.env("PING_URL_HEALTH_GUARDIAN", &pings.url);
        }
        let output = command.output().expect("it starts");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn notifications(&self) -> Vec<Value> {
        let text = self.run(OPSCTL, &["notify", "list", "-o", "json"]);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

#[test]
fn a_fault_is_told_once_with_its_end_and_what_is_silenced_is_not() {
    let house = House::new(Receiver::Answers);
    house.run(GUARDIAN, &[]);
    assert_eq!(house.inbox.kinds(), ["opened"], "in the very run");
    house.run(GUARDIAN, &[]);
    house.run(REPORTER, &[]);
    assert_eq!(house.inbox.kinds(), ["opened"], "once");
    let why = house.run(OPSCTL, &["notify", "why", "INC-1", "hook"]);
    assert!(why.contains("it was told"), "{why}");
    let _listens = TcpListener::bind(("127.0.0.1", house.port)).expect("the port is free");
    for _ in 0..3 {
        house.run(GUARDIAN, &[]);
    }
    assert_eq!(house.inbox.kinds(), ["opened", "recovered"]);
}

#[test]
fn who_never_answers_costs_a_run_no_more_than_its_bound_and_is_asked_once_more() {
    let house = House::new(Receiver::NeverAnswers);
    let began = Instant::now();
    house.run(GUARDIAN, &[]);
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    let state = |house: &House| {
        let one = house.notifications().remove(0);
        (one["state"].as_str().unwrap_or_default().to_owned(), one["doubts"].as_u64())
    };
    assert_eq!(state(&house), ("unknown".to_owned(), Some(1)));
    let runs = house.run(OPSCTL, &["runs", "-o", "json"]);
    let runs: Vec<Value> = serde_json::from_str(&runs).expect("a list");
    assert_eq!(runs[0]["state"], "findings", "the run itself ended as it should");
    std::thread::sleep(Duration::from_secs(31));
    house.run(GUARDIAN, &[]);
    assert_eq!(state(&house), ("unknown".to_owned(), Some(2)));
    let arrived = house.inbox.arrived.lock().expect("nobody panics while it is held").clone();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0]["id"], arrived[1]["id"]);
    assert_eq!(
        (&arrived[0]["may_repeat"], &arrived[1]["may_repeat"]),
        (&false.into(), &true.into())
    );
    house.run(GUARDIAN, &[]);
    assert_eq!(house.inbox.kinds().len(), 2, "and no third time");
}

#[test]
fn a_person_who_takes_it_up_or_silences_it_is_heard_by_the_next_run() {
    let house = House::new(Receiver::Answers);
    let silenced = house.run(
        OPSCTL,
        &["silence", "health-guardian/service_down", "--for", "1h", "--reason", "planned"],
    );
    assert!(silenced.contains("Nobody hears of health-guardian/service_down until"), "{silenced}");
    house.run(GUARDIAN, &[]);
    assert_eq!(house.inbox.kinds(), Vec::<String>::new());
    let words = ["silence", "health-guardian/service_down", "--off", "--reason", "over"];
    house.run(OPSCTL, &words);
    let taken = house.run(OPSCTL, &["ack", "INC-1", "--reason", "on it"]);
    assert!(taken.contains("INC-1 is yours"), "{taken}");
    house.run(GUARDIAN, &[]);
    assert_eq!(house.inbox.kinds(), ["opened"], "who else is told is told who is on it");
    let unknown = house.run(OPSCTL, &["silence", "nonsense", "--for", "1h", "--reason", "x"]);
    assert!(unknown.contains("is neither an incident"), "{unknown}");
    let ended = house.run(OPSCTL, &["ack", "INC-9", "--reason", "x"]);
    assert!(ended.contains("there is no INC-9"), "{ended}");
}

#[test]
fn a_dead_mans_switch_hears_of_each_run_and_that_nobody_heard_it_is_a_finding() {
    let mut house = House::new(Receiver::Answers);
    house.pings = Some(Inbox::open(Receiver::Answers));
    house.run(GUARDIAN, &[]);
    let paths = |house: &House| {
        let pings = house.pings.as_ref().expect("it was opened");
        pings.paths.lock().expect("nobody panics while it is held").clone()
    };
    let heard = paths(&house);
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0].starts_with("/hook/start?rid="), "{heard:?}");
    assert!(heard[1].starts_with("/hook?rid="), "a finding is no failure of the agent: {heard:?}");
    // A run that only plans gives no sign.
    house.run(GUARDIAN, &["--plan"]);
    assert_eq!(paths(&house).len(), 2);
    house.pings =
        Some(Inbox { url: "http://127.0.0.1:9/x".to_owned(), ..Inbox::open(Receiver::Answers) });
    let told = house.run(GUARDIAN, &[]);
    assert!(told.contains("ping of health-guardian:"), "{told}");
    assert!(!told.contains("127.0.0.1:9/x"), "the address is a secret: {told}");
}

#[test]
fn where_the_ledger_cannot_be_used_people_are_told_directly_and_once_in_an_hour() {
    let house = House::new(Receiver::Answers);
    std::fs::create_dir_all(house.path().join("state/ops.db")).expect("a folder in its place");
    house.run(GUARDIAN, &[]);
    house.run(GUARDIAN, &[]);
    let arrived = house.inbox.arrived.lock().expect("nobody panics while it is held").clone();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert!(arrived[0].to_string().contains("ledger not writable"), "{}", arrived[0]);
    std::fs::remove_dir(house.path().join("state/ops.db")).expect("it was empty");
    house.run(GUARDIAN, &[]);
    house.run(GUARDIAN, &[]);
    let arrived = house.inbox.arrived.lock().expect("nobody panics while it is held").clone();
    let again: Vec<&Value> =
        arrived.iter().filter(|one| one.to_string().contains("can be written again")).collect();
    assert_eq!(again.len(), 1, "{arrived:?}");
    assert_eq!(again[0]["thread"], arrived[0]["thread"], "it ends what was begun");
}

#[test]
fn what_a_channel_gave_up_is_told_as_soon_as_it_works_again_and_the_status_says_that_it_does_not() {
    let mut house = House::new(Receiver::Answers);
    house.address = Some("no address");
    house.run(GUARDIAN, &[]);
    let status = house.run(OPSCTL, &["status"]);
    assert!(status.contains("given up on channel hook"), "{status}");
    house.address = None;
    house.run(GUARDIAN, &[]);
    assert_eq!(house.inbox.kinds(), Vec::<String>::new(), "it rests, for all that is known");
    let tried = house.run(OPSCTL, &["notify", "test", "hook"]);
    house.run(GUARDIAN, &[]);
    assert_eq!(house.inbox.kinds(), ["test", "opened"], "{tried}");
    let status = house.run(OPSCTL, &["status"]);
    assert!(!status.contains("given up on channel hook"), "{status}");
}

#[test]
fn a_dead_channel_is_a_finding_until_it_works_or_settings_name_it_no_more() {
    let mut house = House::new(Receiver::Answers);
    house.address = Some("no address");
    house.run(GUARDIAN, &[]);
    house.run(GUARDIAN, &[]);
    let dead = |house: &House| {
        let text = house.run(OPSCTL, &["incidents", "-o", "json"]);
        let all: Vec<Value> = serde_json::from_str(&text).expect("a list");
        let of_channel =
            |one: &&Value| one["key"].as_str().unwrap_or_default().contains("channel_dead");
        all.iter().find(of_channel).map(|one| one["resolved"]["resolution"].clone())
    };
    assert_eq!(dead(&house), Some(Value::Null), "it is open");
    let file = house.path().join("agents.toml");
    let text = std::fs::read_to_string(&file).expect("the settings are there");
    let start = text.find("[[notify.channels]]").expect("a channel");
    let end = text.find("[agents.health-guardian]").expect("an agent");
    std::fs::write(&file, format!("{}{}", &text[..start], &text[end..])).expect("it is written");
    for _ in 0..3 {
        house.run(GUARDIAN, &[]);
    }
    assert_eq!(dead(&house), Some("subject_gone".into()));
}
