//! Real folders of logs: what is trimmed, archived and taken away, and that not a byte is lost on the way.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::peers::{skip, test_name, wait_until};
use super::peers_pm2::PrivatePm2;
use super::yard::{Holder, MAINTAINER, MIB, Yard, aged};

/// The length of a numbered line.
const LINE: usize = 64;
/// No more is ever written than the disk has room for.
const MOST_LINES: usize = 12_000_000;

/// The line of a number: what was written is known for every place of the stream.
fn line(number: usize) -> [u8; LINE] {
    let text = format!("{number:015} {}\n", "x".repeat(LINE - 17));
    text.as_bytes().try_into().expect("a line")
}

/// Holds a log against the end of the stream of `written` bytes.
fn assert_newest(path: &Path, written: usize) {
    let found = std::fs::read(path).expect("it is there");
    let cut = written.checked_sub(found.len()).expect("nothing is there twice");
    assert!(cut > 0, "nothing was cut off");
    assert_eq!(cut % MIB, 0, "whole blocks are cut off");
    for (place, bytes) in found.chunks(LINE).enumerate() {
        let expected = line((cut + place * LINE) / LINE);
        assert_eq!(bytes, expected, "at byte {}", cut + place * LINE);
    }
}

/// The last line of a log.
fn newest_line(path: &Path) -> Option<[u8; LINE]> {
    let log = std::fs::File::open(path).ok()?;
    let mut bytes = [0; LINE];
    let from = log.metadata().ok()?.len().checked_sub(LINE as u64)?;
    std::os::unix::fs::FileExt::read_exact_at(&log, &mut bytes, from).ok()?;
    Some(bytes)
}

fn size(path: &Path) -> usize {
    std::fs::metadata(path).map_or(0, |found| usize::try_from(found.len()).expect("it fits"))
}

#[test]
fn a_log_is_trimmed_three_times_under_a_writer_at_full_speed_and_not_a_byte_of_the_rest_is_lost() {
    let Some(yard) = Yard::with_cuts("trim_above_mib = 64\nkeep_mib = 4") else { return };
    let path = yard.log("app.log");
    let mut log = OpenOptions::new().create(true).append(true).open(&path).expect("it is made");
    let stop = AtomicBool::new(false);
    let (reports, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) && number < MOST_LINES {
                log.write_all(&line(number)).expect("it is written");
                number += 1;
            }
            number * LINE
        });
        let mut reports = Vec::new();
        for _ in 0..3 {
            wait_until(Duration::from_mins(1), || size(&path) > 70 * MIB);
            reports.push(yard.tend());
        }
        stop.store(true, Ordering::Relaxed);
        (reports, writer.join().expect("it ends"))
    });
    for report in reports {
        let acts = report.ended("verified");
        assert!(acts.contains(&"trim the log app/app.log"), "{report:#?}");
        assert_eq!(report.code, Some(0), "{report:#?}");
    }
    assert!(written > 180 * MIB, "{written}");
    assert_newest(&path, written);
}

#[test]
fn a_log_of_a_real_pm2_is_trimmed_while_its_app_writes_and_not_a_byte_of_the_rest_is_lost() {
    let Some(yard) = Yard::with_cuts("trim_above_mib = 32\nkeep_mib = 4") else { return };
    let Some(pm2) = PrivatePm2::start() else { return };
    let path = yard.log("app-out.log");
    let lines = 2_000_000;
    // As fast as it may: until the pipe is full, and again as soon as it is not.
    let script = format!(
        "let n = 0; const x = 'x'.repeat({}); function go() {{ while (n < {lines}) {{ \
         const more = process.stdout.write(String(n++).padStart(15, '0') + ' ' + x + '\\n'); \
         if (!more) {{ process.stdout.once('drain', go); return; }} }} }} go(); setInterval(() => {{}}, 1000);",
        LINE - 17
    );
    pm2.start_app(
        "app",
        &script,
        &json!({ "out_file": path, "merge_logs": true, "autorestart": false }),
    );
    let is_done = || newest_line(&path) == Some(line(lines - 1));
    let mut trims = 0;
    loop {
        let ready = || size(&path) > 40 * MIB || is_done();
        assert!(wait_until(Duration::from_mins(2), ready), "it does not write");
        if size(&path) <= 40 * MIB {
            break;
        }
        let report = yard.tend();
        assert!(report.ended("verified").contains(&"trim the log app/app-out.log"), "{report:#?}");
        trims += 1;
    }
    assert!(trims >= 2, "{trims}");
    assert_newest(&path, lines * LINE);
}

#[test]
fn what_nobody_writes_any_more_is_archived_byte_for_byte_and_the_last_words_stay() {
    let yard = Yard::new("");
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(300_000).collect();
    let old = yard.put("web-out.log.1", &bytes, 9);
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o640)).expect("it is ours");
    let written = std::fs::metadata(&old).expect("it is there").mtime();
    yard.put("web-out.log", b"in use\n", 0);
    yard.put("web-error__2026-01-01_00-00-00.log", b"older\n", 25);
    yard.put("web-error.log", b"the last words\n", 20);
    yard.put("web-out.log.2.gz", b"packed by others", 20);
    yard.put("notes.txt", b"no log", 400);
    let report = yard.tend();
    assert_eq!(report.ended("verified"), ["archive the old logs of app"], "{report:#?}");
    let attempts = report.report["attempts"].to_string();
    assert!(attempts.contains("old 2") && attempts.contains("old 0"), "{attempts}");
    assert_eq!(report.code, Some(0), "{report:#?}");
    let archived = yard.archived();
    assert_eq!(archived.len(), 2, "{archived:?}");
    let name = archived.iter().find(|name| name.contains("web-out.log.1.")).expect("it is there");
    assert_eq!(yard.unpacked(name), bytes);
    let about = std::fs::metadata(yard.log("archive").join(name)).expect("it is there");
    assert_eq!((about.mtime(), about.mode() & 0o777), (written, 0o640));
    for gone in ["web-out.log.1", "web-error__2026-01-01_00-00-00.log"] {
        assert!(!yard.log(gone).exists(), "{gone}");
    }
    for left in ["web-out.log", "web-error.log", "web-out.log.2.gz", "notes.txt"] {
        assert!(yard.log(left).exists(), "{left}");
    }
    let gunzip = Command::new("gzip").arg("-dc").arg(yard.log("archive").join(name)).output();
    assert_eq!(gunzip.expect("gzip is everywhere").stdout, bytes);
    assert!(yard.tend().ended("verified").is_empty(), "it is done once");
}

#[test]
fn archives_are_packed_tighter_and_then_go_but_not_the_last_of_a_service() {
    let yard = Yard::new("");
    let text = b"2026-01-01 a line as logs have them\n".repeat(5000);
    yard.put("live.log", b"in use\n", 0);
    yard.put_archive("warm/live.log.1.20260101T000000Z.gz", &text, 40);
    yard.put_archive("cold/live.log.1.20250101T000000Z.gz", &text, 100);
    yard.put_archive("cold/dead.log.20250101T000000Z.gz", &text, 300);
    yard.put("archive/cold/others.gz", b"not ours", 300);
    let report = yard.tend();
    let verified = ["prune the archives of app", "pack the archives of app tighter"];
    assert_eq!(report.ended("verified"), verified, "{report:#?}");
    let left = [
        "cold/dead.log.20250101T000000Z.gz",
        "cold/live.log.1.20260101T000000Z.gz",
        "cold/others.gz",
    ];
    assert_eq!(yard.archived(), left);
    assert_eq!(yard.unpacked("cold/live.log.1.20260101T000000Z.gz"), text);
    assert!(yard.tend().ended("verified").is_empty(), "it is done once");
}

#[test]
fn an_archive_that_is_broken_stays_and_is_an_incident() {
    let yard = Yard::new("");
    yard.put_archive("warm/app.log.1.20260101T000000Z.gz", &b"some words ".repeat(9000), 40);
    let path = yard.log("archive/warm/app.log.1.20260101T000000Z.gz");
    let whole = std::fs::read(&path).expect("it is there");
    std::fs::write(&path, &whole[..whole.len() - 9]).expect("it is cut");
    aged(&path, 40);
    let report = yard.tend();
    assert_eq!(report.ended("failed"), ["pack the archives of app tighter"], "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    assert_eq!(yard.archived(), ["warm/app.log.1.20260101T000000Z.gz"]);
}

#[test]
fn nothing_is_reached_through_a_link_and_what_has_two_names_is_left_and_told() {
    let yard = Yard::new("depth = 2");
    let outside = yard.path().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    for name in ["linked.log.1", "secret.log.1", "secret.log"] {
        std::fs::write(outside.join(name), b"not declared\n").expect("it is written");
        aged(&outside.join(name), 50);
    }
    yard.put("app.log", b"in use\n", 0);
    yard.put("sub/app.log", b"in use\n", 0);
    yard.put("sub/app.log.1", b"below\n", 10);
    symlink(outside.join("secret.log.1"), yard.log("app.log.7")).expect("a link");
    symlink(&outside, yard.log("deeper")).expect("a link");
    std::fs::hard_link(outside.join("linked.log.1"), yard.log("app.log.8")).expect("a link");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        yard.log("app.log.9"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .expect("a pipe");
    let report = yard.tend();
    assert_eq!(report.ended("verified"), ["archive the old logs of app"], "{report:#?}");
    let below = std::fs::read_dir(yard.log("archive/warm/sub")).expect("it is there").count();
    assert_eq!(below, 1);
    let told = report.report.to_string();
    assert!(
        told.contains("app.log.8 and logs like it") && told.contains("it has 2 names"),
        "{told}"
    );
    assert_eq!(report.code, Some(1), "what cannot be tended is an incident");
    assert_eq!(yard.tend().code, Some(0), "which a person alone can mend, and was told of");
    for name in ["linked.log.1", "secret.log.1", "secret.log"] {
        assert_eq!(std::fs::read(outside.join(name)).expect("it is there"), b"not declared\n");
    }
    assert!(yard.log("app.log.7").is_symlink() && yard.log("app.log.8").exists());
}

#[test]
fn what_somebody_has_open_is_in_use_however_old_and_is_cut_only_under_who_appends() {
    let Some(yard) = Yard::with_cuts("trim_above_mib = 2\nkeep_mib = 1") else { return };
    yard.put("a.log", b"in use\n", 0);
    let quiet = yard.put("a.log.1", b"silent for long\n", 30);
    let placed = yard.put("b.log", &vec![b'b'; 4 * MIB], 0);
    let _silent = Holder::of(&quiet, ">>");
    let _placed = Holder::of(&placed, "1<>");
    let report = yard.tend();
    assert!(report.ended("verified").is_empty() && yard.archived().is_empty(), "{report:#?}");
    let told = report.report.to_string();
    assert!(told.contains("sleep does not append to it"), "{told}");
    assert_eq!((size(&placed), report.code), (4 * MIB, Some(1)));
    assert_eq!(yard.tend().code, Some(0), "a person knows");
}

#[test]
fn a_log_of_a_dead_service_is_cut_and_does_not_look_younger() {
    let Some(yard) = Yard::with_cuts("trim_above_mib = 2\nkeep_mib = 1") else { return };
    let path =
        yard.put("dead.log", &[vec![b'o'; 3 * MIB], b"the last words".to_vec()].concat(), 60);
    let written = std::fs::metadata(&path).expect("it is there").mtime();
    let report = yard.tend();
    assert_eq!(report.ended("verified"), ["trim the log app/dead.log"], "{report:#?}");
    assert!(std::fs::read(&path).expect("it is there").ends_with(b"the last words"));
    assert_eq!(std::fs::metadata(&path).expect("it is there").mtime(), written);
}

#[test]
fn where_files_cannot_be_cut_in_place_nothing_is_and_a_person_is_told_what_to_do() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return skip(&test_name(), "a file system that cannot cut files (tmpfs)");
    };
    let yard = Yard::new("");
    yard.settings(memory.path(), "trim_above_mib = 2\nkeep_mib = 1");
    let path = memory.path().join("app.log");
    std::fs::write(&path, vec![b'x'; 3 * MIB]).expect("it is written");
    let report = yard.tend();
    let told = report.report.to_string();
    assert!(
        told.contains("a tmpfs file system cannot cut") && told.contains("pm2 reloadLogs"),
        "{told}"
    );
    assert_eq!((size(&path), report.code), (3 * MIB, Some(1)));
    let again = yard.tend();
    assert!(again.report.to_string().contains("pm2 reloadLogs"), "it is found still: {again:#?}");
    assert_eq!(again.code, Some(0), "no run is red for what people were told: {again:#?}");
}

#[test]
fn a_folder_that_is_missing_is_told_and_opswardens_own_logs_are_tended_without_being_named() {
    let yard = Yard::new("");
    std::fs::remove_dir(yard.logs()).expect("it is empty");
    std::fs::create_dir(yard.path().join("logs")).expect("a folder");
    let own = |name: &str| yard.path().join("logs").join(name);
    std::fs::write(own("ops-health-guardian.log"), b"{}\n").expect("it is written");
    std::fs::write(own("ops-health-guardian.log.1"), b"{}\n").expect("it is written");
    aged(&own("ops-health-guardian.log.1"), 8);
    let report = yard.tend();
    assert_eq!(report.ended("verified"), ["archive the old logs of opswarden"], "{report:#?}");
    assert!(!own("ops-health-guardian.log.1").exists() && own("archive/warm").exists());
    let told = report.report.to_string();
    assert!(told.contains("does not exist") && told.contains("logs_unseen"), "{told}");
    assert_eq!(report.code, Some(2), "what is not seen is not well");
}

#[test]
fn a_full_disk_costs_no_log_and_is_an_incident() {
    if !rustix::process::getuid().is_root() {
        return skip(&test_name(), "root");
    }
    let yard = Yard::new("");
    // Noise does not become smaller: 6 of 8 MiB leave no room for the archive.
    let script = "mount -t tmpfs -o size=8m tmpfs app && head -c 6291456 /dev/urandom > app/app.log.1 && \
                  echo new > app/app.log && touch -d '10 days ago' app/app.log.1 && sha256sum app/app.log.1 > before && \
                  \"$0\" -o json > report; code=$?; sha256sum app/app.log.1 > after; \
                  find app -type f | sort > left; exit $code";
    let words = ["--mount", "--propagation", "private", "sh", "-c", script, MAINTAINER];
    let output = yard.command("unshare", &words).output().expect("unshare runs");
    let read = |name: &str| std::fs::read_to_string(yard.path().join(name)).unwrap_or_default();
    if output.status.code() == Some(1) && read("before").is_empty() {
        return skip(&test_name(), "root that may mount");
    }
    let report = read("report");
    assert!(
        report.contains("No space left") && report.contains("archive the old logs"),
        "{report}"
    );
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(!read("before").is_empty() && read("before") == read("after"));
    assert_eq!(read("left"), "app/app.log\napp/app.log.1\n", "no half of an archive is left");
}

#[test]
fn another_user_tends_its_own_logs_and_leaves_those_of_others_with_the_reason() {
    if !rustix::process::getuid().is_root() {
        return skip(&test_name(), "root");
    }
    let yard = Yard::new("");
    yard.put("own.log", b"in use\n", 0);
    yard.put("own.log.1", b"old\n", 10);
    yard.put("others.log", b"in use\n", 0);
    let held = yard.put("own.log.2", b"held\n", 10);
    let owner = "65534:65534";
    let chown = |path: &Path| Command::new("chown").args(["-R", owner]).arg(path).status();
    assert!(chown(yard.path()).is_ok_and(|done| done.success()));
    yard.put("others.log.1", b"of root\n", 10);
    let script = format!(
        "exec setpriv --reuid 65534 --regid 65534 --clear-groups sleep 600 >>'{}'",
        held.display()
    );
    let mut holder = Command::new("sh").args(["-c", &script]).spawn().expect("it starts");
    let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups", MAINTAINER, "-o", "json"];
    // It has become that user once it sleeps.
    let comm = format!("/proc/{}/comm", holder.id());
    let sleeps = || std::fs::read_to_string(&comm).is_ok_and(|name| name.trim() == "sleep");
    assert!(wait_until(Duration::from_secs(10), sleeps));
    let output = yard.command("setpriv", &user).output().expect("setpriv runs");
    let _already_gone = holder.kill();
    let _reaped = holder.wait();
    if !output.status.success() && output.stdout.is_empty() {
        return skip(&test_name(), "a build folder that every user can reach");
    }
    let report = super::house::Report::of(output);
    assert_eq!(report.ended("verified"), ["archive the old logs of app"], "{report:#?}");
    let told = report.report.to_string();
    assert!(told.contains("others.log.1") && told.contains("belongs to another user"), "{told}");
    assert!(yard.log("others.log.1").exists() && held.exists() && !yard.log("own.log.1").exists());
}

#[test]
fn ten_gigabytes_of_logs_are_examined_by_their_names_and_sizes_alone() {
    let yard = Yard::new("depth = 1");
    for folder in 0..20 {
        for number in 0..100 {
            let path = yard.put(&format!("s{folder}/app.log.{number}"), b"", 0);
            let log = OpenOptions::new().append(true).open(path).expect("it is there");
            log.set_len(5 * MIB as u64 + 1).expect("it grows");
        }
    }
    // What a shell's children have read is added to its own count.
    let script = "\"$0\" -o json > report; cat /proc/$$/io";
    let output = yard.command("sh", &["-c", script, MAINTAINER]).output().expect("it runs");
    let counted = String::from_utf8_lossy(&output.stdout).into_owned();
    let read = counted.lines().find_map(|line| line.strip_prefix("rchar: "));
    let read: usize = read.and_then(|read| read.parse().ok()).expect("the kernel counts");
    let report = std::fs::read_to_string(yard.path().join("report")).expect("it is there");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it reports");
    let seen = report["counts"]["population"].as_u64().unwrap_or_default();
    assert!(seen > 12 && report["exit"] != 78, "it looked: {report:#}");
    let _shown = writeln!(std::io::stderr(), "10 GiB in 2000 logs: {read} bytes were read in all");
    assert!(read < 32 * MIB, "{read} bytes were read for 10 GiB of logs");
}
