use super::*;

fn sh(script: &str) -> Program {
    Program::new(["/bin/sh", "-c", script])
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..5_000 {
        if holds() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    false
}

#[tokio::test]
async fn a_program_that_ends_is_heard_whole() {
    let outcome = sh("echo out; echo err >&2; exit 7").run().await;
    let Outcome::Exited { code: 7, stdout, stderr } = outcome else { panic!("{outcome:?}") };
    assert_eq!(stdout, Captured { bytes: b"out\n".to_vec(), cut_short: false });
    assert_eq!(stderr.last_line().as_deref(), Some("err"));
}

#[tokio::test]
async fn a_program_sees_only_the_environment_that_it_is_given() {
    let outcome = Program::new(["/usr/bin/env"]).env("PM2_HOME", "/x").run().await;
    let Outcome::Exited { stdout, .. } = outcome else { panic!("{outcome:?}") };
    let text = stdout.text();
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.retain(|name| !INHERITED.contains(name));
    assert_eq!(names, ["PM2_HOME"]);
}

#[tokio::test]
async fn an_argument_never_meets_a_shell() {
    let outcome = Program::new(["/bin/echo", "$(id); `id` > x"]).run().await;
    let Outcome::Exited { stdout, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(stdout.text(), "$(id); `id` > x\n");
}

#[tokio::test]
async fn a_program_that_is_not_there_says_so() {
    let outcome = Program::new(["/nowhere/at-all"]).run().await;
    assert!(matches!(&outcome, Outcome::CouldNotStart { why } if why.contains("/nowhere")));
    let nothing = Program::new(Vec::<String>::new()).run().await;
    assert!(matches!(nothing, Outcome::CouldNotStart { .. }));
}

#[test]
fn only_executable_files_are_found() {
    assert_eq!(find("/bin/sh"), Some(PathBuf::from("/bin/sh")));
    assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
    for none in ["/etc/passwd", "/bin", "/nowhere", "no-such-program-here", ""] {
        assert_eq!(find(none), None, "{none}");
    }
}

#[tokio::test]
async fn a_signal_is_no_exit_code() {
    assert_eq!(sh("kill -9 $$").run().await, Outcome::Signalled { signal: 9 });
}

#[tokio::test]
async fn a_flood_of_output_stays_bounded() {
    let flood = sh("yes | head -c 300000000").limit_bytes(1_000);
    let outcome = flood.deadline(Duration::from_mins(1)).run().await;
    let Outcome::Exited { code: 0, stdout, .. } = outcome else { panic!("{outcome:?}") };
    assert!(stdout.cut_short);
    assert_eq!(stdout.bytes.len(), 1_000);
}

#[tokio::test]
async fn a_flood_without_end_is_ended_by_the_deadline() {
    let outcome = Program::new(["yes"]).deadline(Duration::from_millis(300)).run().await;
    assert_eq!(outcome, Outcome::TimedOut { after: Duration::from_millis(300) });
}

#[tokio::test]
async fn the_deadline_ends_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let outcome = sh(&script).deadline(Duration::from_millis(500)).run().await;
    assert!(matches!(outcome, Outcome::TimedOut { .. }));
    let pid = std::fs::read_to_string(file).unwrap();
    assert!(until(|| !is_running(&pid)).await, "the grandchild {pid} outlived the deadline");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_group_along() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let call = tokio::spawn(sh(&script).deadline(Duration::from_mins(10)).run());
    assert!(until(|| std::fs::read_to_string(&file).is_ok_and(|pid| !pid.is_empty())).await);
    let pid = std::fs::read_to_string(&file).unwrap();
    assert!(is_running(&pid));
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(until(|| !is_running(&pid)).await, "the grandchild {pid} outlived its caller");
}

#[tokio::test]
async fn what_a_program_leaves_behind_lives_on_and_holds_nobody_up() {
    for script in ["sleep 30 & echo $!", "setsid sleep 30 & echo $!"] {
        let started = tokio::time::Instant::now();
        let outcome = sh(script).deadline(Duration::from_secs(20)).run().await;
        let Outcome::Exited { code: 0, stdout, .. } = outcome else { panic!("{outcome:?}") };
        assert!(started.elapsed() < Duration::from_secs(10));
        let pid = stdout.text();
        for _ in 0..50 {
            assert!(is_running(&pid), "{script}: what was started on purpose was killed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn what_is_fed_comes_whole_and_a_child_that_is_left_behind_holds_nobody_up() {
    let mut got = Vec::new();
    let mut take = |part: &[u8]| {
        got.extend_from_slice(part);
        Ok(())
    };
    let started = tokio::time::Instant::now();
    let program = sh("head -c 300000 /dev/zero; sleep 60 >/dev/null & exit 0");
    let outcome = program.deadline(Duration::from_secs(30)).feed(&mut take).await.unwrap();
    assert!(matches!(outcome, Outcome::Exited { code: 0, .. }), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(got.len(), 300_000);
}

#[tokio::test]
async fn what_goes_through_a_filter_comes_out_changed_and_either_end_is_told() {
    let through = async |first: &str, second: &str| {
        let mut got = Vec::new();
        let mut take = |part: &[u8]| {
            got.extend_from_slice(part);
            Ok(())
        };
        let ends = sh(first).feed_through(sh(second), &mut take).await.unwrap();
        (ends, String::from_utf8(got).unwrap())
    };
    let code = |outcome: &Outcome| match outcome {
        Outcome::Exited { code, .. } => Some(*code),
        _ => None,
    };
    let ((first, second), got) = through("echo abc", "tr a-c A-C").await;
    assert_eq!((code(&first), code(&second), got.as_str()), (Some(0), Some(0), "ABC\n"));
    let ((first, second), _) = through("echo abc; exit 3", "cat").await;
    assert_eq!((code(&first), code(&second)), (Some(3), Some(0)));
    let ((_, second), _) = through("yes | head -c 3000000", "exit 4").await;
    assert_eq!(code(&second), Some(4));
}

#[tokio::test]
async fn whoever_cannot_take_more_ends_it() {
    let mut take = |_: &[u8]| Err(std::io::Error::other("full"));
    let error = sh("yes").deadline(Duration::from_secs(30)).feed(&mut take).await.unwrap_err();
    assert_eq!(error.to_string(), "full");
}
