//! What of tables and indexes falls due by the server's own rules, and what of it is left to a person.

use super::house::{House, Report};
use super::peers::{skip, test_name};
use super::yields::REBUILD;

/// An autovacuum that is switched on and does not come in time.
const LATE: &str = "autovacuum = on\nautovacuum_naptime = 1h";

/// What a session has changed is counted a moment after it has ended: what tidies up comes after that, or it is counted as done
/// since.
fn settle(house: &House) {
    house.server.sql("SELECT pg_sleep(0.3)");
}

/// Of an act that ended, what it measured before and after.
fn measured(report: &Report, operation: &str, measure: &str) -> (String, String) {
    let attempts = report.report["attempts"].as_array().expect("a list").iter();
    let said = |one: &&serde_json::Value| one["operation"] == operation;
    let one = attempts.clone().find(said).unwrap_or_else(|| panic!("{operation}: {report:#?}"));
    let of = |state: &str| {
        let text = one[state].as_str().unwrap_or_default();
        let parts = text.split([' ', ',']).collect::<Vec<_>>();
        let place = parts.iter().position(|part| *part == measure);
        let value = place.and_then(|place| parts.get(place + 1));
        (*value.unwrap_or_else(|| panic!("{measure}: {one:#}"))).to_owned()
    };
    (of("before"), of("after"))
}

#[test]
fn rows_that_were_only_added_are_vacuumed_by_the_servers_rule_or_the_tables_own() {
    let Some(house) = House::with(&[], LATE) else { return };
    for (name, settings) in [
        ("journal", ""),
        ("never", "WITH (autovacuum_vacuum_insert_threshold = -1)"),
        ("seldom", "WITH (autovacuum_vacuum_insert_scale_factor = 2)"),
        (
            "often",
            "WITH (autovacuum_vacuum_insert_threshold = 10, autovacuum_vacuum_insert_scale_factor = 0)",
        ),
    ] {
        let rows = if name == "often" { 11 } else { 20_000 };
        house.server.sql(&format!(
            "CREATE TABLE {name} (id int) {settings};
             INSERT INTO {name} SELECT generate_series(1, {rows})"
        ));
    }
    settle(&house);
    house.server.sql("ANALYZE");
    settle(&house);
    let report = house.tend();
    let vacuumed = ["vacuum main/public.journal", "vacuum main/public.often"];
    assert_eq!(report.proved(), vacuumed, "{report:#?}");
    let (before, after) = measured(&report, vacuumed[0], "inserted_rows");
    assert_eq!((before.as_str(), after.as_str()), ("20000", "0"));
    let told =
        "journal has many new rows that no vacuum has seen; autovacuum is due and has not come yet";
    assert!(report.report["plan"]["actions"].to_string().contains(told), "{report:#?}");
    assert_eq!(report.code, Some(0), "{report:#?}");
    assert!(house.tend().proved().is_empty());
}

#[test]
fn statistics_that_are_out_of_date_are_made_anew_and_only_where_no_vacuum_is_due() {
    let Some(house) = House::new(&[]) else { return };
    for (name, settings) in [
        ("stale", ""),
        ("patient", "WITH (autovacuum_analyze_scale_factor = 0.5)"),
        ("churned", "WITH (autovacuum_vacuum_scale_factor = 0.1)"),
    ] {
        house.server.sql(&format!(
            "CREATE TABLE {name} (id int, note text) {settings};
             INSERT INTO {name} SELECT n, 'a' FROM generate_series(1, 10000) n"
        ));
        settle(&house);
        house.server.sql(&format!("VACUUM ANALYZE {name}"));
        // More than a tenth, and less than a fifth.
        house.server.sql(&format!("UPDATE {name} SET note = 'b' WHERE id <= 1500"));
    }
    settle(&house);
    let report = house.tend();
    let done = ["vacuum main/public.churned", "analyze main/public.stale"];
    assert_eq!(report.proved(), done, "{report:#?}");
    let (before, after) = measured(&report, done[1], "changed_rows");
    assert_eq!((before.as_str(), after.as_str()), ("1500", "0"));
    let share = "SELECT most_common_freqs[1] < 0.9 FROM pg_stats WHERE tablename = 'stale' AND attname = 'note'";
    assert_eq!(house.server.sql(share), "t", "the planner knows of it");
    assert_eq!(report.code, Some(0), "{report:#?}");
    assert!(house.tend().proved().is_empty());
}

#[test]
fn each_reason_for_which_autovacuum_has_not_come_is_told() {
    // A table of the settings of which a tenth is dead is due for us, and not yet for autovacuum.
    let Some(house) = House::with(&["waits"], LATE) else { return };
    for (name, settings, dead) in [
        ("waits", "", 2000),
        ("alone", "WITH (autovacuum_enabled = off)", 10_000),
        ("late", "", 10_000),
    ] {
        house.server.sql(&format!(
            "CREATE TABLE {name} (id int) {settings};
             INSERT INTO {name} SELECT generate_series(1, 20000)"
        ));
        settle(&house);
        house.server.sql(&format!("VACUUM ANALYZE {name}"));
        house.server.sql(&format!("DELETE FROM {name} WHERE id <= {dead}"));
    }
    settle(&house);
    let plan = |house: &House| {
        let output = house.command(super::yard::MAINTAINER, &["--plan", "-o", "json"]).output();
        Report::of(output.expect("it starts")).report["plan"]["actions"].to_string()
    };
    let told = plan(&house);
    for (name, why) in [
        ("waits", "autovacuum waits for more of them"),
        ("alone", "autovacuum is switched off for the table"),
        ("late", "autovacuum is due and has not come yet"),
    ] {
        let told_of = format!("main/public.{name} has many dead row versions; {why}");
        assert!(told.contains(&told_of), "{told_of}: {told}");
    }
    house.server.sql("ALTER SYSTEM SET autovacuum = off");
    house.server.sql("SELECT pg_reload_conf(), pg_sleep(0.3)");
    let told = plan(&house);
    assert_eq!(told.matches("autovacuum is switched off on the server").count(), 3, "{told}");
}

#[test]
fn a_server_that_counts_no_rows_is_not_known_to_need_no_vacuum() {
    let Some(house) = House::with(&[], "track_counts = off") else { return };
    house.server.sql("CREATE TABLE orders (id int)");
    let report = house.tend();
    assert_eq!(report.report["counts"]["unknown"], 2, "{report:#?}");
    house.server.sql("ALTER SYSTEM SET track_counts = on");
    house.server.sql("SELECT pg_reload_conf(), pg_sleep(0.3)");
    let report = house.tend();
    assert_eq!(report.report["counts"]["unknown"], 0, "{report:#?}");
}

#[test]
fn the_age_by_multixacts_is_told_before_and_after() {
    let server = "autovacuum = off\nvacuum_multixact_freeze_min_age = 0\nvacuum_multixact_freeze_table_age = 0\n\
                  vacuum_freeze_min_age = 0\nvacuum_freeze_table_age = 0";
    let Some(house) = House::with(&[], server) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [agents.db-maintainer.limits]\nfreeze_warning = 300\nfreeze_critical = 100000000\n",
    );
    house
        .server
        .sql("CREATE TABLE orders (id int PRIMARY KEY, note int); INSERT INTO orders VALUES (1)");
    // A row that a transaction has locked and then changes in a part of itself has two of them at once.
    house.server.sql(
        "DO $$ BEGIN FOR i IN 1..500 LOOP
           PERFORM FROM orders FOR KEY SHARE;
           BEGIN UPDATE orders SET note = i; EXCEPTION WHEN division_by_zero THEN NULL; END;
           COMMIT;
         END LOOP; END $$",
    );
    let age = "SELECT mxid_age(relminmxid) FROM pg_class WHERE relname = 'orders'";
    let was = house.server.sql(age);
    assert_eq!(was, "500");
    settle(&house);
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    let (before, after) = measured(&report, "vacuum main/public.orders", "multixact_age");
    assert_eq!((before, after), (was, "0".to_owned()), "{report:#?}");
    assert_eq!(house.server.sql(age), "0");
}

/// An index, with a name that has to be quoted, that seems to hold nothing.
fn bloated(house: &House) {
    house.server.sql(
        "CREATE TABLE orders (id bigint);
         INSERT INTO orders SELECT generate_series(1, 200000);
         CREATE INDEX \"Orders by Id\" ON orders (id)",
    );
    settle(house);
    house.server.sql("VACUUM ANALYZE orders");
    house.server.sql("UPDATE pg_class SET reltuples = 1 WHERE relname = 'Orders by Id'");
    settle(house);
}

const STATEMENT: &str = "REINDEX INDEX CONCURRENTLY public.\"Orders by Id\";";

#[test]
fn an_index_that_is_too_large_to_be_built_anew_by_itself_is_in_the_advice_with_its_statement() {
    let Some(house) = House::new(&[]) else { return };
    house.settings(&format!("{REBUILD}bloat_most_mib = 2\n"));
    bloated(&house);
    let report = house.tend();
    assert!(report.proved().is_empty(), "{report:#?}");
    assert_eq!(report.code, Some(0), "for information: {report:#?}");
    let advice = house.asked(&["db", "advice"]);
    let said = advice[0]["message"].as_str().unwrap_or_default();
    assert!(said.contains("larger than bloat_most_mib allows"), "{advice:#}");
    assert_eq!(advice[0]["sql"], STATEMENT, "{advice:#}");
    assert_eq!(advice.as_array().map(Vec::len), Some(1), "{advice:#}");
    // It is a statement, and once a person has run it nothing is left to say.
    house.server.sql(STATEMENT);
    settle(&house);
    house.tend();
    assert_eq!(house.asked(&["db", "advice"]), serde_json::json!([]));
}

#[test]
fn an_index_whose_disk_has_no_room_for_a_rebuild_is_in_the_advice_with_its_statement() {
    let Some(house) = House::new(&[]) else { return };
    if !rustix::process::getuid().is_root() {
        return skip(&test_name(), "root");
    }
    house.settings(REBUILD);
    bloated(&house);
    // As our program sees it, and nobody else: the data lie on a disk of a mebibyte.
    let data = house.server.sql("SELECT current_setting('data_directory')");
    let script = "mount -t tmpfs -o size=1m tmpfs \"$1\" && exec \"$0\" -o json";
    let words =
        ["--mount", "--propagation", "private", "sh", "-c", script, super::yard::MAINTAINER, &data];
    let output = house.command("unshare", &words).output().expect("unshare runs");
    if output.stdout.is_empty() {
        return skip(&test_name(), "root that may mount");
    }
    let report = Report::of(output);
    assert!(report.proved().is_empty(), "{report:#?}");
    let advice = house.asked(&["db", "advice"]);
    let said = advice[0]["message"].as_str().unwrap_or_default();
    assert!(said.contains("its disk has not twice its size free"), "{advice:#}");
    assert_eq!(advice[0]["sql"], STATEMENT, "{advice:#}");
    // There is room again: it is built, and that was it.
    let report = house.tend();
    assert_eq!(report.proved(), ["build main/public.\"Orders by Id\" anew"], "{report:#?}");
    assert_eq!(house.asked(&["db", "advice"]), serde_json::json!([]));
}
