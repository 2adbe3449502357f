//! A user who may not see what others do: nothing is taken for well because of it, and nobody waits for long all the same.

use std::time::Duration;

use super::house::House;
use super::peers::wait_until;

/// Reached as a role that owns its table, of which every second row is dead, and that may see nothing else.
fn owned(house: House) -> House {
    house.server.sql(
        "CREATE ROLE keeper LOGIN; GRANT CREATE ON SCHEMA public TO keeper;
         CREATE TABLE orders (id int, note text);
         INSERT INTO orders SELECT n, repeat('x', 200) FROM generate_series(1, 60000) n;
         DELETE FROM orders WHERE id % 2 = 0; ALTER TABLE orders OWNER TO keeper",
    );
    house.server.sql("SELECT pg_sleep(0.3)");
    let url = house.server.url().replace("postgres://postgres@", "postgres://keeper@");
    house.at(&url)
}

#[test]
fn who_may_not_see_the_sessions_of_others_does_not_take_them_for_harmless() {
    let Some(house) = House::new(&["orders"]) else { return };
    let house = owned(house);
    house.settings(
        "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"orders\"]\n\
         [agents.db-maintainer.limits]\nidle_in_transaction = \"1s\"\n",
    );
    let holder =
        house.holding("SET application_name = 'report-tool'; BEGIN; SELECT txid_current();\n");
    std::thread::sleep(Duration::from_millis(1200));
    let report = house.tend();
    let unknown = report.report["unknown"].to_string();
    let grant = "GRANT pg_read_all_stats TO keeper;";
    assert!(unknown.contains("horizon_held"), "{report:#?}");
    assert!(unknown.contains("one session of another user"), "{unknown}");
    assert!(unknown.contains(grant), "{unknown}");
    assert!(report.proved().is_empty(), "nothing is vacuumed in vain: {report:#?}");
    assert!(report.left("vacuum_due").contains(grant), "{report:#?}");
    assert_eq!(report.code, Some(2), "not seen is not well: {report:#?}");
    house.server.sql(grant);
    let report = house.tend();
    assert!(report.left("horizon_held").contains("report-tool"), "{report:#?}");
    assert!(!report.report["unknown"].to_string().contains("horizon_held"), "{report:#?}");
    // What was found before and is not seen any more is not well.
    house.server.sql("REVOKE pg_read_all_stats FROM keeper");
    let report = house.tend();
    let unknown = report.report["unknown"].to_string();
    assert!(unknown.contains("main/session-postgres-report-tool"), "{report:#?}");
    drop(holder);
    // Where nobody else is there, nobody is unseen.
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    assert_eq!(report.code, Some(0), "{report:#?}");
}

#[test]
fn a_standby_whose_lag_we_may_not_see_keeps_work_from_being_begun() {
    let Some(house) = House::new(&["orders"]) else { return };
    let house = owned(house);
    let standby = house.server.standby();
    let follows = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    let up = || house.server.sql(follows) == "1";
    assert!(wait_until(Duration::from_secs(20), up), "{}", standby.log());
    let report = house.tend();
    assert!(report.proved().is_empty(), "{report:#?}");
    assert!(report.left("vacuum_due").contains("(one standby)"), "{report:#?}");
    house.server.sql("GRANT pg_read_all_stats TO keeper");
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
}

#[test]
fn who_waits_is_let_through_by_a_user_who_may_not_see_what_others_do() {
    let slow = "autovacuum = off\nvacuum_cost_delay = 50\nvacuum_cost_limit = 2";
    let Some(house) = House::with(&["orders"], slow) else { return };
    let house = owned(house);
    super::yields::let_through_a_vacuum(&house);
}

#[test]
fn who_may_not_tend_a_table_says_so_and_what_would_help() {
    let Some(house) = House::new(&["orders"]) else { return };
    let house = owned(house);
    house.server.sql("ALTER TABLE orders OWNER TO postgres; GRANT pg_read_all_stats TO keeper");
    let report = house.tend();
    let why = report.report["not_sent"].to_string();
    let grant = "GRANT postgres TO keeper;";
    assert!(why.contains(grant), "{report:#?}");
    house.server.sql(grant);
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
}
