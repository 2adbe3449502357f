//! Secrets are planted wherever the agent looks, and then searched for in everything that it and the operator's tool
//! wrote and said.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::MultiGzDecoder;
use serde_json::json;

use super::pm2_apps::Apps;
use super::world::{World, both, policy};

/// Found by the same search, so that a search which finds nothing means something.
const IN_THE_OPEN: &str = "cnry00-open-Xk7Jw9Lm3Pv";

/// A secret that is planted as its name says.
fn canary(place: &str) -> String {
    format!("cnry{place}Xk7Jw9Lm3Pv")
}

/// Every secret, by the place that it is planted in.
const PLACES: [&str; 23] = [
    "EnvDatabase",
    "EnvToken",
    "EnvKey",
    "LogBearer",
    "LogJwt",
    "LogPassword",
    "LogUrl",
    "LogKnown",
    "BodyToken",
    "BodyStatus",
    "HeaderCookie",
    "HeaderAuth",
    "UrlQuery",
    "SmtpPass",
    "SlackHook",
    "ValidatorPass",
    "AgentDatabase",
    "RestartArgv",
    "RestartStderr",
    "RestartKnown",
    "RestartStdout",
    "StatusLine",
    "OwnLog",
];

/// Secrets that are known to be seen. One that is no longer seen must go from here.
const KNOWN_TO_LEAK: [&str; 0] = [];

/// Where a secret may have gone to: a file or a program, and what is there.
type Shed = Vec<(String, Vec<u8>)>;

/// What the apps and commands write; each line holds one secret as it would stand in the wild.
fn log_lines() -> String {
    [
        format!("GET /api Authorization: Bearer {}", canary("LogBearer")),
        format!("session eyJhbGciOiJIUzI1NiJ9.{}.c2ln", canary("LogJwt")),
        format!("login failed password={}", canary("LogPassword")),
        format!("cannot reach postgres://app:{}@db.example.test/app", canary("LogUrl")),
        format!("mailer said {}", canary("SmtpPass")),
        format!("{{\"apiKey\": \"{}\"}}", canary("LogKnown")),
    ]
    .join("\n")
}

/// Answers every request with secrets, until the test ends.
fn leaky_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _client_gone = answer(stream);
        }
    });
    port
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _read = stream.read(&mut request)?;
    let body = json!({
        "status": format!("cannot reach redis://:{}@cache.example.test", canary("BodyStatus")),
        "token": canary("BodyToken"),
    });
    let body = body.to_string();
    let cookie = canary("HeaderCookie");
    let auth = canary("HeaderAuth");
    write!(
        stream,
        "HTTP/1.1 503 Unavailable\r\nSet-Cookie: sid={cookie}\r\nX-Auth-Token: {auth}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn script(folder: &Path, name: &str, body: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{body}\n")).expect("it is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is a program");
    file.display().to_string()
}

/// Three declared processes: one whose restart fails and says why, one whose restart helps, one that is well.
fn commands(folder: &Path) -> String {
    let log = folder.join("shop.log");
    let own = canary("OwnLog");
    fs::write(&log, format!("{}\nclient_secret: {own}\n", log_lines())).expect("it is written");
    let fails = script(
        folder,
        "fails",
        &format!(
            "echo \"login {} refused: token=$2 password={}\" >&2; exit 1",
            canary("SmtpPass"),
            canary("RestartStderr")
        ),
    );
    let helps = script(
        folder,
        "helps",
        &format!(
            "touch {}/mended; echo \"started with {} secret={}\"",
            folder.display(),
            canary("SmtpPass"),
            canary("RestartStdout")
        ),
    );
    let mended = script(
        folder,
        "mended-status",
        &format!(
            "test -e {}/mended || exit 1; echo \"up token={}\"",
            folder.display(),
            canary("StatusLine")
        ),
    );
    let dead = script(folder, "dead", &format!("echo password={}; exit 1", canary("StatusLine")));
    let mut text = String::new();
    for (name, status, restart) in [("shop", &dead, &fails), ("mended", &mended, &helps)] {
        let _infallible = write!(
            text,
            "[[agents.health-guardian.services]]\nname = \"{name}\"\nmanager = \"command\"\n\
             process = \"{name}\"\n[agents.health-guardian.services.command]\nlog = \"{}\"\n\
             status = [{status:?}]\nrestart = [{restart:?}, \"--token\", {:?}]\n",
            log.display(),
            canary("RestartArgv")
        );
    }
    text
}

fn settings(apps: &Apps, folder: &Path, port: u16) -> String {
    let managers = format!(
        "[managers.pm2]\nhome = \"{}\"\ncli = {:?}\n",
        apps.pm2.home().display(),
        apps.pm2.cli()
    );
    let url = format!("http://127.0.0.1:{port}/health?access_token={}", canary("UrlQuery"));
    let probed = format!(
        "[[agents.health-guardian.services]]\nname = \"{IN_THE_OPEN}\"\nmanager = \"pm2\"\n\
         process = \"web\"\n[[agents.health-guardian.services.probes]]\nurl = {url:?}\n\
         status = [200, 503]\nbody = {{ \"/status\" = [\"ok\"] }}\n"
    );
    [managers, policy("300ms", ""), probed, commands(folder)].concat()
}

/// The same environment for every program.
fn with_secrets(command: &mut Command) -> &mut Command {
    command
        .env("SMTP_PASS", canary("SmtpPass"))
        .env("SLACK_WEBHOOK_URL", format!("https://hooks.example.test/{}", canary("SlackHook")))
        .env("VALIDATOR_PASSWORD", canary("ValidatorPass"))
        .env("DATABASE_URL", format!("mysql://root:{}@db.example.test", canary("AgentDatabase")))
        .env("OPSWARDEN_LOG", "trace")
}

fn say(shed: &mut Shed, what: &str, command: &mut Command) -> Option<i32> {
    let output = with_secrets(command).output().expect("it starts");
    shed.push((what.to_owned(), both(&output).into_bytes()));
    output.status.code()
}

fn ask_everything(world: &World, shed: &mut Shed) {
    let questions: [&[&str]; 14] = [
        &["status"],
        &["incidents", "list"],
        &["incidents", "show", "INC-1"],
        &["incidents", "show", "INC-2"],
        &["incidents", "show", "INC-3"],
        &["explain", "INC-1", "--why-not"],
        &["explain", "INC-2", "--why-not"],
        &["explain", "INC-3"],
        &["doctor"],
        &["config", "show", "--origin"],
        &["config", "check"],
        &["runs"],
        &["remediations"],
        &["ledger", "verify"],
    ];
    for question in questions {
        for form in ["text", "json"] {
            let arguments = [question, &["-o", form]].concat();
            let what = format!("opsctl {}", arguments.join(" "));
            say(shed, &what, &mut world.opsctl(&arguments));
        }
    }
}

/// Every file below a folder; packed ones unpacked.
fn files(folder: &Path, shed: &mut Shed) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path: PathBuf = entry.path();
        if path.is_dir() {
            files(&path, shed);
            continue;
        }
        let mut bytes = fs::read(&path).expect("it is read");
        if path.extension().is_some_and(|kind| kind == "gz") {
            let mut plain = Vec::new();
            MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).expect("it unpacks");
            bytes = plain;
        }
        shed.push((path.display().to_string(), bytes));
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Where a text is found, with what stands around it.
fn found(shed: &Shed, text: &str) -> Vec<String> {
    let hits = shed.iter().filter(|(_, bytes)| holds(bytes, text));
    hits.map(|(place, bytes)| {
        let all = String::from_utf8_lossy(bytes);
        let line = all.lines().find(|line| line.contains(text)).unwrap_or_default();
        let at = line.find(text).unwrap_or_default();
        let before: String = line[..at].chars().rev().take(90).collect();
        format!("{place}: …{}{text}", before.chars().rev().collect::<String>())
    })
    .collect()
}

/// A whole life: found, acted on, proved or not, planned, replayed and asked about.
fn live(apps: &Apps, world: &World) -> Shed {
    let mut shed = Shed::new();
    say(&mut shed, "first run", &mut world.guardian(&[]));
    apps.tell("web", "bad");
    apps.give_up(&["web"]);
    apps.untell("web", "bad");
    for arguments in
        [&["--plan"][..], &["--plan", "-o", "json"], &[], &["-o", "json"], &["--observe"]]
    {
        let what = format!("health-guardian {}", arguments.join(" "));
        say(&mut shed, &what, &mut world.guardian(arguments));
    }
    let mut recordings = Shed::new();
    files(&world.path().join("state/snapshots"), &mut recordings);
    let packed = recordings.iter().filter(|(path, _)| path.contains(".json.gz"));
    let mut replayed = 0;
    for (path, _) in packed {
        let code =
            say(&mut shed, &format!("replay of {path}"), &mut world.guardian(&["--replay", path]));
        assert!(matches!(code, Some(0..=2)), "{:?}", shed.last());
        replayed += 1;
    }
    assert!(replayed >= 3, "{replayed} recordings");
    ask_everything(world, &mut shed);
    for folder in ["state", "logs"] {
        files(&world.path().join(folder), &mut shed);
    }
    shed
}

#[test]
fn no_secret_is_written_or_said() {
    let Some(apps) = Apps::start(&["beside"]) else { return };
    apps.add(
        "web",
        &json!({ "env": {
        "DATABASE_URL": format!("postgres://app:{}@db.example.test/app", canary("EnvDatabase")),
        "API_TOKEN": canary("EnvToken"),
        "STRIPE_KEY": canary("EnvKey"),
        "SAYS": log_lines(),
    } }),
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = World::new(&settings(&apps, folder.path(), leaky_server()));
    let shed = live(&apps, &world);
    let acts = world.remediations();
    let states: Vec<_> = acts.iter().map(|act| act["state"].as_str().unwrap_or("?")).collect();
    assert!(states.contains(&"verified") && states.contains(&"failed"), "{acts:#?}");
    let open = found(&shed, IN_THE_OPEN);
    for kind in ["ops.db", "ops-state.json", ".json.gz", "logs/", "opsctl status", "replay of"] {
        assert!(open.iter().any(|hit| hit.contains(kind)), "{kind} is not searched: {open:#?}");
    }
    let evidence = shed.iter().filter(|(path, _)| path.contains("/evidence/")).count();
    assert!(evidence > 0, "no evidence was kept");
    let mut leaking: Vec<&str> = Vec::new();
    let mut leaks = Vec::new();
    for place in PLACES {
        let found = found(&shed, &canary(place));
        leaking.extend((!found.is_empty()).then_some(place));
        leaks.extend(found);
    }
    leaking.sort_unstable();
    assert_eq!(leaking, KNOWN_TO_LEAK, "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
