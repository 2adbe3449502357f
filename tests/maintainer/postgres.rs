//! What is found in a real PostgreSQL, what is done about it, and what is left.

use std::time::Duration;

use super::house::House;

/// A table of the name, of which every second row is dead.
fn churned(house: &House, name: &str) {
    house.server.sql(&format!(
        "CREATE TABLE {name} (id int PRIMARY KEY, note text);
         INSERT INTO {name} SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n;
         DELETE FROM {name} WHERE id % 2 = 0;"
    ));
    // What a session has changed is counted a moment after it has ended, or it would count as changed since.
    house.server.sql("SELECT pg_sleep(0.3)");
    house.server.sql(&format!("ANALYZE {name}"));
    // Statistics are written a moment after the session that made them has ended.
    house.server.sql("SELECT pg_sleep(0.3)");
}

#[test]
fn a_table_that_changes_all_the_time_is_vacuumed_by_its_name_as_it_is_and_then_left_alone() {
    let Some(house) = House::new(&["Content", "devices", "Nowhere"]) else { return };
    churned(&house, "\"Content\"");
    churned(&house, "other");
    house.server.sql(
        "ALTER TABLE other SET (autovacuum_vacuum_scale_factor = 5,
                                autovacuum_vacuum_insert_scale_factor = 5)",
    );
    house.server.sql("CREATE TABLE devices (id int)");
    let first = house.tend();
    assert_eq!(first.proved(), ["vacuum main/public.\"Content\""], "{first:#?}");
    let attempts = first.report["attempts"].to_string();
    assert!(attempts.contains("dead_rows 10000") && attempts.contains("dead_rows 0"), "{attempts}");
    assert!(first.report.to_string().contains("the settings name a table Nowhere"), "{first:#?}");
    assert_eq!(first.code, Some(1), "a table of the settings that does not exist is a finding");
    let count =
        house.server.sql("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'Content'");
    assert_eq!(count, "1");
    let second = house.tend();
    assert!(second.proved().is_empty(), "{second:#?}");
}

#[test]
fn what_statistics_say_is_due_is_vacuumed_and_why_autovacuum_did_not_is_told() {
    let Some(house) = House::new(&[]) else { return };
    churned(&house, "orders");
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    let plan = report.report["plan"]["actions"].to_string();
    assert!(plan.contains("autovacuum is switched off on the server"), "{plan}");
    assert_eq!(report.code, Some(0), "a chore that helped is no incident: {report:#?}");
}

#[test]
fn a_session_that_idles_in_a_transaction_is_named_and_nothing_is_vacuumed_in_vain() {
    let Some(house) = House::new(&["orders"]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"orders\"]\n\
         [agents.db-maintainer.limits]\nidle_in_transaction = \"1s\"\n",
    );
    let holder =
        house.holding("SET application_name = 'report-tool'; BEGIN; SELECT txid_current();\n");
    churned(&house, "orders");
    std::thread::sleep(Duration::from_millis(1500));
    let report = house.tend();
    let text = report.report.to_string();
    let advice = house.asked(&["db", "advice"]);
    assert!(
        advice[0]["sql"].as_str().is_some_and(|sql| sql.contains("pg_terminate")),
        "{advice:#}"
    );
    assert!(text.contains("report-tool") && text.contains("pg_terminate_backend"), "{text}");
    assert!(report.proved().is_empty(), "{report:#?}");
    assert!(report.left("vacuum_due").contains("removes nothing while"), "{report:#?}");
    assert_eq!(report.code, Some(1));
    drop(holder);
    std::thread::sleep(Duration::from_millis(500));
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    assert_eq!(report.code, Some(0), "what held it is gone: {report:#?}");
}

#[test]
fn an_index_that_a_failed_build_left_is_dropped_and_one_that_is_being_built_is_not() {
    let Some(house) = House::new(&[]) else { return };
    house.server.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (1)");
    assert!(!house.server.may_fail("CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id)"));
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(house.server.sql(invalid), "1");
    // A build that waits for a transaction which is older than itself is still a build.
    let holder = house.holding("BEGIN; INSERT INTO orders VALUES (2);\n");
    let build = house.server.begin("CREATE INDEX CONCURRENTLY orders_slow ON orders (id)");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(house.server.sql(invalid), "2");
    let report = house.tend();
    assert!(report.proved().is_empty(), "somebody builds on this table: {report:#?}");
    drop(holder);
    assert!(build.ends());
    let report = house.tend();
    assert_eq!(report.proved(), ["drop the invalid index main/public.orders_id"], "{report:#?}");
    assert_eq!(house.server.sql(invalid), "0");
    assert_eq!(
        house.server.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass"),
        "1"
    );
    assert_eq!(report.code, Some(0));
}

#[test]
fn a_bloated_index_is_built_anew_smaller_and_not_again_so_soon() {
    let Some(house) = House::new(&[]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [agents.db-maintainer.limits]\nbloat_least_mib = 1\n",
    );
    house.server.sql(
        "CREATE TABLE orders (id bigint, at timestamptz DEFAULT now());
         INSERT INTO orders (id) SELECT n FROM generate_series(1, 300000) n;
         CREATE INDEX orders_id ON orders (id);",
    );
    house.server.sql("DELETE FROM orders WHERE id % 10 <> 0");
    house.server.sql("SELECT pg_sleep(0.3)");
    house.server.sql("VACUUM ANALYZE orders");
    house.server.sql("SELECT pg_sleep(0.3)");
    let before =
        house.server.sql("SELECT pg_relation_size('orders_id')").parse::<u64>().expect("a size");
    let report = house.tend();
    assert_eq!(report.proved(), ["build main/public.orders_id anew"], "{report:#?}");
    let after =
        house.server.sql("SELECT pg_relation_size('orders_id')").parse::<u64>().expect("a size");
    assert!(after * 5 < before, "{before} to {after}");
    assert_eq!(report.code, Some(0), "{report:#?}");
    // However bloated it seems right afterwards.
    house.server.sql("UPDATE pg_class SET reltuples = 1 WHERE relname = 'orders_id'");
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [agents.db-maintainer.limits]\nbloat_least_mib = 0\nbloat_percent = 10\n",
    );
    let again = house.tend();
    assert!(again.proved().is_empty(), "{again:#?}");
}

#[test]
fn a_counter_that_comes_to_its_end_and_what_holds_old_rows_are_told_by_name() {
    let Some(house) = House::new(&[]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [agents.db-maintainer.limits]\nidle_in_transaction = \"0s\"\nheld_transactions = 0\n",
    );
    house.server.sql(
        "CREATE TABLE orders (id serial); SELECT setval('orders_id_seq', 1700000000);
         CREATE SEQUENCE small MAXVALUE 100; SELECT setval('small', 80);
         CREATE SEQUENCE endless CYCLE MAXVALUE 100; SELECT setval('endless', 99);",
    );
    // In this order: a slot waits for every transaction that is older.
    house.server.sql("SELECT pg_create_logical_replication_slot('forgotten', 'test_decoding')");
    house.server.sql("BEGIN; INSERT INTO orders VALUES (1); PREPARE TRANSACTION 'left-behind';");
    let report = house.tend();
    let text = report.report.to_string();
    for told in ["public.orders.id comes to its end", "public.small comes to its end"] {
        assert!(text.contains(told), "{told}: {report:#?}");
    }
    assert!(!text.contains("endless"), "it begins anew: {text}");
    for told in [
        "the prepared transaction left-behind",
        "the replication slot forgotten, which nobody reads",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(text.contains("ROLLBACK PREPARED 'left-behind'"), "{text}");
    assert_eq!(report.code, Some(1));
    // A person was told, and has their own time for it: it is reported, and no run is red for it again until it is worse.
    let report = house.tend();
    assert!(report.report["open"].to_string().contains("public.small comes to its end"));
    assert_eq!(report.code, Some(0), "{report:#?}");
    house.server.sql("SELECT setval('small', 95)");
    assert_eq!(house.tend().code, Some(1), "it is critical now");
    assert_eq!(house.tend().code, Some(1), "and stays so");
}

#[test]
fn a_password_is_in_no_output_whether_it_is_right_or_wrong() {
    let Some(house) = House::new(&[]) else { return };
    let host = house.path().display().to_string();
    let house = house.at(&format!("postgres://ada:s3cr%65t-word@localhost/none?host={host}"));
    let report = house.tend();
    let text = report.report.to_string();
    assert!(text.contains("cannot be reached"), "{text}");
    assert_eq!(report.code, Some(2), "not seen is not well: {report:#?}");
    let mut all = text;
    for words in [&["status"][..], &["incidents"], &["doctor"], &["config", "show"]] {
        let output = house.output(words);
        all.push_str(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    for file in walk(house.path()) {
        all.push_str(&String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()));
    }
    for secret in ["s3cr%65t-word", "s3cret-word"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn a_table_whose_oldest_transaction_is_old_is_frozen_and_a_reader_who_keeps_it_old_is_named() {
    let Some(house) = House::with(
        &[],
        "autovacuum = off\nvacuum_freeze_min_age = 0\nvacuum_freeze_table_age = 0",
    ) else {
        return;
    };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [agents.db-maintainer.limits]\nfreeze_warning = 2000\nfreeze_critical = 100000000\n\
         idle_in_transaction = \"1s\"\n",
    );
    house.server.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)");
    let holder = house.holding("BEGIN; SELECT txid_current();\n");
    house
        .server
        .sql("DO $$ BEGIN FOR i IN 1..3000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$");
    std::thread::sleep(Duration::from_millis(1200));
    let report = house.tend();
    assert!(report.left("freeze_age").contains("removes nothing while session"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    drop(holder);
    std::thread::sleep(Duration::from_millis(500));
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    let age = house.server.sql("SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'orders'");
    assert!(age.parse::<u64>().is_ok_and(|age| age < 100), "{age}");
    // The server stops for these as well, and they are not ours to tend.
    let left = report.left("freeze_age");
    for told in [
        "the system's table information_schema.",
        "the database template",
        "VACUUM (FREEZE, VERBOSE)",
    ] {
        assert!(left.contains(told), "{told}: {left}");
    }
    house.server.sql("VACUUM (FREEZE)");
    let left = house.tend().left("freeze_age");
    assert!(
        !left.contains("the system's table") && left.contains("the database template"),
        "{left}"
    );
}

#[test]
fn a_table_at_twice_the_age_at_which_autovacuum_comes_is_found_however_large_our_own_limit_is() {
    let server = "autovacuum = off\nautovacuum_freeze_max_age = 100000\nsynchronous_commit = off";
    let Some(house) = House::with(&[], server) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
         [agents.db-maintainer.limits]\nidle_in_transaction = \"1s\"\n",
    );
    house.server.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)");
    let report = house.tend();
    assert!(!report.report.to_string().contains("is very old"), "it is young: {report:#?}");
    // Even one that is switched off comes at that age; this keeps it from freezing anything.
    let holder = house.holding("BEGIN; SELECT txid_current();\n");
    house.server.sql(
        "DO $$ BEGIN FOR i IN 1..200100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$",
    );
    let report = house.tend();
    let left = report.left("freeze_age");
    let told = "the oldest transaction of main/public.orders is twice as old as the server's own limit allows";
    assert!(left.contains(told), "{left} {report:#?}");
    assert!(left.contains("removes nothing while session"), "{left}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    drop(holder);
}

#[test]
fn a_counter_that_we_may_not_read_is_unknown_until_we_may() {
    let Some(house) = House::new(&[]) else { return };
    house.server.sql(
        "CREATE TABLE orders (id serial); SELECT setval('orders_id_seq', 2000000000);
         CREATE ROLE keeper LOGIN; GRANT pg_read_all_stats TO keeper",
    );
    let url = house.server.url().replace("postgres://postgres@", "postgres://keeper@");
    let house = house.at(&url);
    let report = house.tend();
    let unknown = report.report["unknown"].to_string();
    assert!(unknown.contains("may not read the sequence public.orders_id_seq"), "{report:#?}");
    assert!(unknown.contains("GRANT SELECT ON"), "{unknown}");
    house.server.sql("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO keeper");
    let report = house.tend();
    let text = report.report.to_string();
    assert!(text.contains("public.orders.id comes to its end"), "{report:#?}");
    assert!(!report.report["unknown"].to_string().contains("orders"), "{report:#?}");
    // What was found before and is not seen any more is not well.
    house.server.sql("REVOKE SELECT ON ALL SEQUENCES IN SCHEMA public FROM keeper");
    let report = house.tend();
    assert!(report.report["unknown"].to_string().contains("main/public.orders.id"), "{report:#?}");
}

#[test]
fn the_advice_about_a_counter_lifts_whatever_limit_comes_first_and_it_is_well_then() {
    let Some(house) = House::new(&[]) else { return };
    // By their order: both end, only the column does (which does not own its sequence), only the sequence does.
    house.server.sql(
        "CREATE TABLE a (id serial); SELECT setval('a_id_seq', 2000000000);
         CREATE SEQUENCE apart; SELECT setval('apart', 2000000000);
         CREATE TABLE b (id int DEFAULT nextval('apart'));
         CREATE TABLE c (id bigserial); ALTER SEQUENCE c_id_seq AS int; SELECT setval('c_id_seq', 2000000000);
         CREATE TABLE d (id int GENERATED ALWAYS AS IDENTITY); SELECT setval('d_id_seq', 2000000000);
         CREATE TABLE part (id int DEFAULT nextval('apart')) PARTITION BY LIST (id);
         CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);",
    );
    let report = house.tend();
    assert_eq!(report.code, Some(1), "{report:#?}");
    let advice = house.asked(&["db", "advice"]);
    let all = advice.as_array().expect("a list").iter();
    let sql: Vec<&str> = all.filter_map(|one| one["sql"].as_str()).collect();
    let expected = [
        "ALTER TABLE public.a ALTER COLUMN id TYPE bigint; ALTER SEQUENCE public.a_id_seq AS bigint NO MAXVALUE;",
        "ALTER TABLE public.b ALTER COLUMN id TYPE bigint;",
        "ALTER SEQUENCE public.c_id_seq AS bigint NO MAXVALUE;",
        "ALTER TABLE public.part ALTER COLUMN id TYPE bigint;",
    ];
    for one in expected {
        assert!(sql.contains(&one), "{one}: {sql:#?}");
    }
    let cautions = advice.to_string().matches("it writes the table anew").count();
    assert_eq!(cautions, 4, "all but the sequence alone: {advice:#}");
    assert_eq!(sql.len(), 5, "a partition is as its table: {sql:#?}");
    for one in sql.iter().filter(|one| !one.contains("public.part ")) {
        house.server.sql(one);
    }
    house.server.sql("DROP TABLE part");
    let report = house.tend();
    assert_eq!(report.code, Some(0), "{report:#?}");
    house.server.sql("INSERT INTO a DEFAULT VALUES; SELECT setval('a_id_seq', 3000000000); INSERT INTO a DEFAULT VALUES");
    house.server.sql("INSERT INTO c DEFAULT VALUES; SELECT setval('c_id_seq', 3000000000); INSERT INTO c DEFAULT VALUES");
}

#[test]
fn a_query_that_lasts_holds_row_versions_back_and_is_named_and_one_that_only_idles_holds_none() {
    let Some(house) = House::new(&["orders"]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"orders\"]\n\
         [agents.db-maintainer.limits]\nidle_in_transaction = \"1s\"\n",
    );
    let holder = house.holding("SET application_name = 'yearly-report'; SELECT pg_sleep(120);\n");
    churned(&house, "orders");
    std::thread::sleep(Duration::from_millis(1200));
    let report = house.tend();
    assert!(report.proved().is_empty(), "{report:#?}");
    let left = report.left("vacuum_due");
    assert!(left.contains("removes nothing while session"), "{left} {report:#?}");
    assert!(left.contains("(yearly-report), whose query lasts"), "{left}");
    let sql = house.asked(&["db", "advice"]).to_string();
    assert!(sql.contains("pg_cancel_backend("), "{sql}");
    let attempts = report.report["attempts"].to_string();
    assert!(!attempts.contains("orders"), "a vacuum in vain is not tried: {attempts}");
    drop(holder);
    house.server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()");
    let idle = house.holding("SET application_name = 'lazy'; BEGIN; SELECT 1;\n");
    std::thread::sleep(Duration::from_millis(1200));
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    let text = report.report.to_string();
    assert!(text.contains("(lazy) does nothing in a transaction"), "{text}");
    assert!(!text.contains("keeps old row versions"), "{text}");
    drop(idle);
}

#[test]
fn a_standby_that_tells_what_it_still_reads_is_named_as_what_holds_row_versions_back() {
    let Some(house) = House::new(&["orders"]) else { return };
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"orders\"]\n\
         [agents.db-maintainer.limits]\nheld_transactions = 1\n",
    );
    let standby = house.server.standby();
    standby.sql("ALTER SYSTEM SET hot_standby_feedback = on");
    standby.sql("ALTER SYSTEM SET wal_receiver_status_interval = 1");
    standby.sql("SELECT pg_reload_conf()");
    let reader = standby.begin("SELECT pg_sleep(120)");
    let held = "SELECT count(*) FROM pg_stat_replication WHERE backend_xmin IS NOT NULL";
    let told = || house.server.sql(held) == "1";
    assert!(super::peers::wait_until(Duration::from_secs(20), told), "{}", standby.log());
    churned(&house, "orders");
    house.server.sql("SELECT txid_current()");
    let report = house.tend();
    let left = report.left("vacuum_due");
    assert!(left.contains("removes nothing while the standby walreceiver"), "{report:#?}");
    assert!(report.left("horizon_held").contains("hot_standby_feedback"), "{report:#?}");
    drop(reader);
}
