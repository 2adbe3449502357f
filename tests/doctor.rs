//! `opsctl doctor` on a real machine: other holders of an address, permissions, clocks, and the platform's remedies.
#![expect(clippy::disallowed_methods, reason = "the program itself is what is tested")]
#![expect(clippy::unwrap_used, reason = "a program that cannot be started should end the test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use opswarden::adapters::system_clock::SystemClock;
use opswarden::sandbox::{Options, PASSWORD, Running, Sandbox, Sizes, Throttle};
use serde_json::Value;

const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");

/// What the doctor says in `folder`, in an environment of exactly these variables.
fn doctor(folder: &Path, variables: &[(&str, &str)]) -> Vec<Value> {
    let output = Command::new(OPSCTL)
        .args(["doctor", "-o", "json"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"));
    rows.as_array().unwrap().clone()
}

/// Grade and words of the row about something.
fn row<'v>(rows: &'v [Value], about: &str) -> (&'v str, &'v str) {
    let found = rows.iter().find(|row| row["about"] == about);
    let found = found.unwrap_or_else(|| panic!("{about}: {rows:#?}"));
    (found["grade"].as_str().unwrap(), found["found"].as_str().unwrap())
}

fn house(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{settings}\n[agents.health-guardian]\nservices = []\n");
    std::fs::write(folder.path().join("agents.toml"), text).unwrap();
    folder
}

/// A process that holds a secret, for as long as it lives here.
struct Monitor(Child);

impl Monitor {
    fn holding(name: &str, value: &str) -> Self {
        Self(Command::new("sleep").arg("60").env_clear().env(name, value).spawn().unwrap())
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn another_monitor_with_the_same_webhook_is_named_and_the_webhook_is_not() {
    let folder = house("");
    let own = std::process::id();
    let webhook = format!("https://hooks.slack.com/services/TEAM/BOT/doctor-test-{own}");
    let ask = || doctor(folder.path(), &[("SLACK_WEBHOOK_URL", &webhook)]);
    let about = "channel slack, used elsewhere";
    let alone = ask();
    assert_eq!(row(&alone, about).0, "ok", "{alone:#?}");
    assert_eq!(row(&alone, "ops-reporter: sight").0, "skipped", "it has no sense to try");
    let other = Monitor::holding("SLACK_WEBHOOK_URL", &format!("{webhook}-of-somebody-else"));
    let beside = ask();
    assert_eq!(row(&beside, about).0, "ok", "another address: {beside:#?}");
    let same = Monitor::holding("ALERT_HOOK", &webhook);
    let rows = ask();
    let (grade, found) = row(&rows, about);
    assert_eq!(grade, "partial", "{rows:#?}");
    let [same, other] =
        [&same, &other].map(|monitor| format!("process {} (sleep)", monitor.0.id()));
    assert!(found.contains(&same) && !found.contains(&other), "{found}");
    assert!(!format!("{rows:?}").contains("doctor-test"), "it is never told: {rows:#?}");
}

#[test]
fn files_that_are_open_to_everybody_are_told_and_clocks_are() {
    let folder = house("");
    let file = folder.path().join("agents.toml");
    let hook = folder.path().join("hook");
    std::fs::write(&hook, "https://hooks.slack.com/services/TEAM/BOT/word").unwrap();
    let shown = hook.to_str().unwrap();
    let graded = |mode: u32| {
        for file in [&file, &hook] {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let rows = doctor(folder.path(), &[("SLACK_WEBHOOK_URL_FILE", shown)]);
        ["settings file", &format!("secret file {shown}")]
            .map(|about| row(&rows, about).0.to_owned())
    };
    assert_eq!(graded(0o600), ["ok", "ok"]);
    assert_eq!(graded(0o646), ["blocked", "blocked"]);
    let rows = doctor(folder.path(), &[]);
    assert!(["ok", "partial"].contains(&row(&rows, "system clock").0), "{rows:#?}");
    assert!(row(&rows, "time zones").1.contains("20"), "{rows:#?}");
}

fn sandbox() -> Running {
    let sizes = Sizes { displays: 3, content: 3, playlists: 2, schedules: 2, tenants: 1 };
    let options = Options { sizes, throttle: Throttle::Off, ..Options::default() };
    Sandbox::start(options, std::sync::Arc::new(SystemClock::new())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_remedy_of_the_platform_is_tried_and_nothing_is_changed() {
    let running = sandbox();
    // The live platform does not promise this route; the list is read in its place.
    running.expect_unknown_route("GET /api/v1/schedules/00000000-0000-4000-8000-000000000000");
    let url = running.base_url();
    let of = |wanted: &str| {
        let accounts = running.accounts().into_iter();
        accounts.map(|one| one.email).find(|email| email.starts_with(wanted))
    };
    let asked = |email: String| {
        let url = url.clone();
        tokio::task::spawn_blocking(move || {
            let folder = house(&format!("[platform]\nurl = \"{url}\"\n"));
            let account = [("VALIDATOR_EMAIL", &*email), ("VALIDATOR_PASSWORD", PASSWORD)];
            doctor(folder.path(), &account)
        })
    };
    let manager = asked(of("ops@").unwrap()).await.unwrap();
    let grade = |rows: &[Value], verb: &str| {
        row(rows, &format!("remedy {verb}, tenant default")).0.to_owned()
    };
    for verb in ["archive_content", "reset_display", "assign_playlist", "deactivate_schedule"] {
        assert_eq!(grade(&manager, verb), "ok", "{verb}: {manager:#?}");
    }
    let viewer = asked(of("viewer@").expect("the sandbox has one")).await.unwrap();
    for verb in ["archive_content", "reset_display", "assign_playlist", "deactivate_schedule"] {
        assert_eq!(grade(&viewer, verb), "blocked", "{verb}: {viewer:#?}");
    }
    assert_eq!(running.effects().len(), 0, "nothing was changed");
    assert_eq!(running.sessions_open(), 0, "every session was ended");
    running.finish().unwrap();
    running.stop().await;
}

#[test]
fn programs_that_a_dump_or_a_restore_needs_are_named_where_they_are_missing() {
    let here = tempfile::tempdir().unwrap();
    let bin = here.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let settings = format!(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n[agents.db-maintainer.postgres]\nbin_dir = \"{}\"\n\
         [[agents.db-maintainer.backups]]\nname = \"shop\"\ndatabase = \"main\"\nmake = true\nfolder = \"{}\"\n\
         [[agents.db-maintainer.backups]]\nname = \"files\"\nformat = \"tar\"\nfolder = \"{}\"\n",
        bin.display(),
        here.path().display(),
        here.path().display()
    );
    let house = house(&settings);
    let rows = doctor(house.path(), &[]);
    let (dump, restore) = ("db-maintainer: dump of shop", "db-maintainer: restore of shop");
    let (grade, found) = row(&rows, dump);
    assert_eq!(grade, "blocked", "it is to be made, and cannot be: {found}");
    let why = format!("none can be made: pg_dump not found in {}", bin.display());
    assert!(found.starts_with(&why) && found.contains("correct `postgres.bin_dir`"), "{found}");
    assert_eq!(found.contains("install"), usual_folder().is_none(), "{found}");
    assert!(usual_folder().is_none_or(|usual| found.contains(&usual)), "{found}");
    let (grade, found) = row(&rows, restore);
    assert_eq!(grade, "partial", "{found}");
    assert!(found.contains("none can be proved here: server binaries not found in"), "{found}");
    assert!(found.contains("correct `postgres.bin_dir`"), "{found}");
    let of_files =
        |row: &&Value| row["about"].as_str().is_some_and(|about| about.ends_with("of files"));
    assert!(!rows.iter().any(|row| of_files(&row)), "an archive needs none: {rows:#?}");
    for program in ["pg_dump", "pg_restore", "initdb", "postgres"] {
        std::fs::write(bin.join(program), "").unwrap();
    }
    let rows = doctor(house.path(), &[]);
    assert_eq!((row(&rows, dump).0, row(&rows, restore).0), ("ok", "ok"));
}

/// Where the programs of a server are found on this host, if it has any.
fn usual_folder() -> Option<String> {
    let programs = opswarden::adapters::backup::ServerPrograms::new(None);
    programs.folder().ok().map(|folder| folder.display().to_string())
}

const STORES: &str = "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
    [[agents.db-maintainer.databases]]\nname = \"second\"\n\
    [[agents.db-maintainer.redis]]\nname = \"main\"\n\
    [[agents.db-maintainer.buckets]]\nname = \"main\"\nendpoint = \"http://127.0.0.1:9\"\nbucket = \"shop\"\n";

#[test]
fn every_data_store_is_tried_before_the_first_run_and_nothing_is_left_behind() {
    let house = house(STORES);
    let rows = doctor(house.path(), &[]);
    for (about, variable) in [
        ("db-maintainer: database main", "DATABASE_URL"),
        ("db-maintainer: database second", "DATABASE_URL_SECOND"),
        ("db-maintainer: Redis server main", "REDIS_URL"),
        ("db-maintainer: bucket main", "S3_ACCESS_KEY_ID"),
    ] {
        let (grade, found) = row(&rows, about);
        assert_eq!(grade, "blocked", "{about}: {found}");
        assert!(found.contains(&format!("set {variable} or {variable}_FILE")), "{found}");
    }
    let (grade, found) = row(&rows, "db-maintainer: ledger");
    assert_eq!((grade, found), ("skipped", "the first run of an agent creates it"));
    let told = |row: &&Value| row["about"].as_str().is_some_and(|about| about.contains("redis_"));
    assert!(!rows.iter().any(|row| told(&row)), "one row says it, not one for a check: {rows:#?}");
    // Nobody listens on port 9, and what is given is asked.
    let rows = doctor(
        house.path(),
        &[
            ("DATABASE_URL", "postgres://shop:word-that-is-secret@127.0.0.1:9/shop"),
            ("REDIS_URL", "redis://127.0.0.1:9"),
            ("S3_ACCESS_KEY_ID", "key"),
            ("S3_SECRET_ACCESS_KEY", "word-that-is-secret"),
        ],
    );
    for about in ["database main", "Redis server main", "bucket main"] {
        let (grade, found) = row(&rows, &format!("db-maintainer: {about}"));
        assert_eq!(grade, "blocked", "{about}: {found}");
        assert!(!found.contains("is not given") && !found.contains("are not given"), "{found}");
    }
    assert!(!format!("{rows:?}").contains("word-that-is-secret"), "{rows:#?}");
    let mut left = std::fs::read_dir(house.path()).unwrap().map(|one| one.unwrap().file_name());
    assert!(left.all(|name| name == "agents.toml"), "the doctor makes nothing");
}

#[test]
fn what_encrypts_and_decrypts_is_looked_for_and_so_are_the_files_that_it_names() {
    let here = tempfile::tempdir().unwrap();
    let key = here.path().join("backup.key");
    let shown = here.path().display();
    let settings = |encrypt: &str| {
        format!(
            "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
             [[agents.db-maintainer.backups]]\nname = \"shop\"\ndatabase = \"main\"\nmake = true\nfolder = \"{shown}\"\n\
             [agents.db-maintainer.backups.encryption]\nkey_id = \"k\"\nencrypt = [\"{encrypt}\", \"-r\", \"k\"]\n\
             decrypt = [\"cat\", \"-i\", \"{}\"]\n",
            key.display()
        )
    };
    let (encrypt, decrypt) = ("db-maintainer: encrypt of shop", "db-maintainer: decrypt of shop");
    let absent = house(&settings("no-such-age"));
    let rows = doctor(absent.path(), &[]);
    let (grade, found) = row(&rows, encrypt);
    assert_eq!(grade, "blocked", "{found}");
    assert!(found.contains("`no-such-age` is not found on PATH") && found.contains("install it"));
    let (grade, found) = row(&rows, decrypt);
    assert_eq!(grade, "blocked", "{found}");
    assert!(found.contains(&format!("{} is not on this host", key.display())), "{found}");
    assert!(found.contains("encryption.decrypt"), "{found}");
    std::fs::write(&key, "secret").unwrap();
    let present = house(&settings("cat"));
    let rows = doctor(present.path(), &[]);
    assert_eq!((row(&rows, encrypt).0, row(&rows, decrypt).0), ("ok", "ok"), "{rows:#?}");
    let by_path = house(&settings(&format!("{shown}/age")));
    let rows = doctor(by_path.path(), &[]);
    let (grade, found) = row(&rows, encrypt);
    assert_eq!(grade, "blocked", "{found}");
    assert!(found.contains(&format!("{shown}/age is no program")), "{found}");
    if rustix::process::geteuid().is_root() {
        return;
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o000)).unwrap();
    let rows = doctor(present.path(), &[]);
    let (grade, found) = row(&rows, decrypt);
    assert_eq!(grade, "blocked", "{found}");
    assert!(found.contains("cannot be read"), "{found}");
}
