//! What keeps work on a real PostgreSQL from being begun, also where it comes up after the run has looked; and what does not.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::house::{House, Report};
use super::peers::wait_until;
use super::yields::{REBUILD, bloated};

const SOON: Duration = Duration::from_secs(20);
/// Every second row is dead.
const CHURNED: &str = "
    CREATE TABLE first (id int, note text);
    INSERT INTO first SELECT n, repeat('x', 200) FROM generate_series(1, 2400) n;
    CREATE TABLE second AS SELECT * FROM first;
    DELETE FROM first WHERE id % 2 = 0; DELETE FROM second WHERE id % 2 = 0";
/// A vacuum of one of them takes some seconds.
const SLOW: &str = "autovacuum = off\nvacuum_cost_delay = 20\nvacuum_cost_limit = 3";

/// A run over two tables that are due, in which this comes up while the first is vacuumed; nothing where there is no server here.
fn meanwhile<T>(comes_up: impl FnOnce(&House) -> T) -> Option<Report> {
    let house = House::with(&["first", "second"], SLOW)?;
    house.server.sql(CHURNED);
    house.server.sql("SELECT pg_sleep(0.3)");
    let run = house.maintainer().stdout(Stdio::piped()).spawn().expect("it starts");
    let at_work = || house.server.sql("SELECT count(*) FROM pg_stat_progress_vacuum") == "1";
    assert!(wait_until(SOON, at_work), "{}", house.server.log());
    let there = comes_up(&house);
    let report = Report::of(run.wait_with_output().expect("it ends"));
    drop(there);
    assert_eq!(report.proved(), ["vacuum main/public.first"], "{report:#?}");
    Some(report)
}

fn not_sent(report: &Report) -> String {
    report.report["not_sent"].to_string()
}

#[test]
fn what_is_due_is_left_where_a_base_backup_began_after_the_look() {
    let report = meanwhile(|house| {
        let backup = house.server.slow_base_backup();
        let begun = "SELECT count(*) FROM pg_stat_progress_basebackup";
        assert!(wait_until(SOON, || house.server.sql(begun) == "1"), "{}", house.server.log());
        backup
    });
    let Some(report) = report else { return };
    assert!(not_sent(&report).contains("a base backup is being taken"), "{report:#?}");
    assert_eq!(report.code, Some(0), "due still, and nothing failed: {report:#?}");
}

#[test]
fn what_is_due_is_left_where_somebody_began_a_dump_after_the_look() {
    let report = meanwhile(|house| {
        house.server.sql(
            "CREATE TABLE third AS SELECT repeat(md5(n::text), 9) FROM generate_series(1, 20000) n",
        );
        // Nobody reads what it writes, so that it stays.
        let mut dump = Command::new(house.server.program("pg_dump"));
        let dump = dump.arg(house.server.url()).stdout(Stdio::piped()).spawn().expect("it starts");
        let begun = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump'";
        assert!(wait_until(SOON, || house.server.sql(begun) == "1"), "{}", house.server.log());
        Ended(dump)
    });
    let Some(report) = report else { return };
    assert!(not_sent(&report).contains("a dump is being taken"), "{report:#?}");
}

#[test]
fn what_is_due_is_left_where_another_vacuum_began_after_the_look() {
    let report = meanwhile(|house| {
        house.server.sql("CREATE TABLE third AS SELECT n FROM generate_series(1, 200000) n");
        let slow = "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1";
        let other = Command::new("psql")
            .args(["-XqAt", &house.server.url(), "-c", slow, "-c", "VACUUM third"])
            .spawn()
            .expect("psql starts");
        let begun = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE relid = 'third'::regclass";
        assert!(wait_until(SOON, || house.server.sql(begun) == "1"), "{}", house.server.log());
        Ended(other)
    });
    let Some(report) = report else { return };
    assert!(not_sent(&report).contains("another vacuum is at work"), "{report:#?}");
}

/// A program that is ended.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn a_rebuild_that_others_keep_waiting_is_an_attempt_and_what_it_left_goes_with_the_next_run() {
    let Some(house) = House::new(&[]) else { return };
    bloated(&house, 100_000);
    house.server.sql("CREATE TABLE other (id int)");
    // It is young when the run begins, has nothing to do with the index, and stays.
    let hold =
        house.holding("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM other;\n");
    let report = house.tend();
    assert_eq!(
        report.attempts("orders_id"),
        ["build main/public.orders_id anew: failed"],
        "{report:#?}"
    );
    let told = house.asked(&["remediations"]).to_string();
    assert!(told.contains("it left public.orders_id_ccnew, which is not valid"), "{told}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    drop(hold);
    let report = house.tend();
    assert_eq!(
        report.proved(),
        ["drop the invalid index main/public.orders_id_ccnew"],
        "{report:#?}"
    );
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(house.server.sql(invalid), "0");
    let report = house.tend();
    assert_eq!(report.proved(), Vec::<&str>::new(), "not built anew again so soon: {report:#?}");
}

#[test]
fn a_table_that_somebody_has_for_themselves_keeps_nothing_else_from_being_seen() {
    let Some(house) = House::with(&["first", "second"], "autovacuum = off") else { return };
    bloated(&house, 100_000);
    let settings = |limits: &str| {
        house.settings(&format!(
            "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"first\", \"second\"]\n\
             [agents.db-maintainer.limits]\nbloat_least_mib = 1\n{limits}\n"
        ));
    };
    settings("bloat_most_mib = 2");
    house.server.sql(CHURNED);
    house.server.sql("SELECT pg_sleep(0.3)");
    let hold = house.holding("BEGIN; LOCK TABLE first; REINDEX INDEX orders_id;\n");
    let report = house.tend();
    assert_eq!(report.report["unknown"], json!({}), "{report:#?}");
    assert_eq!(report.proved(), ["vacuum main/public.second"], "{report:#?}");
    assert!(not_sent(&report).contains("lock timeout"), "{report:#?}");
    assert!(report.left("rebuild_left").contains("larger than bloat_most_mib"), "{report:#?}");
    drop(hold);
    settings("");
    let report = house.tend();
    let expected = ["vacuum main/public.first", "build main/public.orders_id anew"];
    assert!(expected.iter().all(|one| report.proved().contains(one)), "{report:#?}");
}

#[test]
fn an_index_that_leaves_room_on_purpose_is_not_bloated() {
    let Some(house) = House::new(&[]) else { return };
    house.settings(REBUILD);
    house.server.sql(
        "CREATE TABLE orders (id bigint);
         INSERT INTO orders SELECT n FROM generate_series(1, 200000) n;
         CREATE INDEX roomy ON orders (id) WITH (fillfactor = 50);
         ANALYZE orders",
    );
    house.server.sql("SELECT pg_sleep(0.3)");
    let report = house.tend();
    assert!(report.attempts("roomy").is_empty() && report.left("roomy").is_empty(), "{report:#?}");
}

#[test]
fn a_slot_of_logical_replication_is_told_and_keeps_no_vacuum_from_helping() {
    let Some(house) = House::new(&["first"]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"first\"]\n\
         [agents.db-maintainer.limits]\nheld_transactions = 0\n",
    );
    house.server.sql("SELECT pg_create_logical_replication_slot('forgotten', 'test_decoding')");
    house.server.sql(CHURNED);
    house.server.sql("SELECT pg_sleep(0.3)");
    let report = house.tend();
    assert!(report.proved().contains(&"vacuum main/public.first"), "{report:#?}");
    let attempts = report.report["attempts"].to_string();
    assert!(attempts.contains("dead_rows 0"), "{attempts}");
    let told = report.left("horizon_held");
    assert!(
        told.contains("forgotten, which nobody reads, keeps old row versions of the system's"),
        "{told}"
    );
}

#[test]
fn a_slot_of_a_standby_that_is_gone_is_named_and_nothing_is_vacuumed_in_vain() {
    let Some(house) = House::new(&["first"]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"first\"]\n\
         [agents.db-maintainer.limits]\nheld_transactions = 1\n",
    );
    house.server.sql("SELECT pg_create_physical_replication_slot('replica')");
    let standby = house.server.standby();
    for setting in [
        "primary_slot_name = 'replica'",
        "hot_standby_feedback = on",
        "wal_receiver_status_interval = 1",
    ] {
        standby.sql(&format!("ALTER SYSTEM SET {setting}"));
    }
    standby.sql("SELECT pg_reload_conf()");
    let reader = standby.begin("SELECT pg_sleep(120)");
    let held = "SELECT count(*) FROM pg_replication_slots WHERE xmin IS NOT NULL";
    assert!(wait_until(SOON, || house.server.sql(held) == "1"), "{}", standby.log());
    drop(reader);
    drop(standby);
    let gone = "SELECT count(*) FROM pg_replication_slots WHERE active";
    assert!(wait_until(SOON, || house.server.sql(gone) == "0"), "{}", house.server.log());
    house.server.sql(CHURNED);
    house.server.sql("SELECT txid_current()");
    house.server.sql("SELECT pg_sleep(0.3)");
    let report = house.tend();
    assert!(report.proved().is_empty(), "{report:#?}");
    let left = report.left("vacuum_due");
    assert!(
        left.contains("removes nothing while the replication slot replica, which nobody reads,"),
        "{report:#?}"
    );
    // One that the server has given up holds nothing, and still tells what it held.
    house.server.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    house.server.sql("SELECT pg_reload_conf()");
    let lost = "SELECT count(*) FROM pg_replication_slots WHERE wal_status = 'lost'";
    let given_up = || {
        house.server.sql("CREATE TABLE filler AS SELECT generate_series(1, 1000)");
        house.server.sql("DROP TABLE filler");
        house.server.sql("SELECT pg_switch_wal()");
        house.server.sql("CHECKPOINT");
        house.server.sql(lost) == "1"
    };
    assert!(wait_until(SOON, given_up), "{}", house.server.log());
    let report = house.tend();
    assert!(report.proved().contains(&"vacuum main/public.first"), "{report:#?}");
}

#[test]
fn an_index_that_somebody_began_to_build_after_the_look_is_not_dropped() {
    let Some(house) = House::new(&[]) else { return };
    let vault = house.path().join("vault");
    std::fs::create_dir(&vault).expect("a folder");
    // What encrypts takes its time, and what else is due waits for it.
    house.settings(&format!(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [[agents.db-maintainer.backups]]\nname = \"shop\"\ndatabase = \"main\"\nmake = true\n\
         prove_every = \"0s\"\nfolder = \"{}\"\n\
         encryption = {{ key_id = \"none\", encrypt = [\"sh\", \"-c\", \"sleep 5; cat\"], decrypt = [\"cat\"] }}\n",
        vault.display()
    ));
    house.server.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (1)");
    assert!(!house.server.may_fail("CREATE UNIQUE INDEX CONCURRENTLY once ON orders (id)"));
    house.server.sql("DELETE FROM orders");
    let run = house.maintainer().stdout(Stdio::piped()).spawn().expect("it starts");
    let dumping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' \
                   AND application_name = 'opswarden db-maintainer'";
    assert!(wait_until(SOON, || house.server.sql(dumping) == "1"), "{}", house.server.log());
    let writer = house.holding("BEGIN; INSERT INTO orders VALUES (5);\n");
    let build = house.server.begin("REINDEX INDEX CONCURRENTLY once");
    let building = "SELECT count(*) FROM pg_stat_progress_create_index";
    assert!(wait_until(SOON, || house.server.sql(building) == "1"), "{}", house.server.log());
    let report = Report::of(run.wait_with_output().expect("it ends"));
    assert!(not_sent(&report).contains("somebody builds it"), "{report:#?}");
    drop(writer);
    assert!(build.ends(), "{}", house.server.log());
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'once'::regclass";
    assert_eq!(house.server.sql(valid), "t");
}
