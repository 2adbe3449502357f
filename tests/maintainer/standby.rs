//! A real standby: nothing is begun on it, nor on its primary while it has much to apply; and nothing beside a base backup.

use std::time::Duration;

use super::house::House;
use super::peers::wait_until;

const SOON: Duration = Duration::from_secs(20);
/// Every second row is dead.
const CHURNED: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, note text);
    INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n;
    DELETE FROM orders WHERE id % 2 = 0; ANALYZE orders";

#[test]
fn nothing_is_begun_on_a_standby_nor_on_its_primary_while_it_has_much_to_apply() {
    let Some(house) = House::new(&["orders"]) else { return };
    let standby = house.server.standby();
    house.server.sql(CHURNED);
    let has_it = || standby.may_fail("SELECT 1 FROM orders LIMIT 1");
    assert!(wait_until(SOON, has_it), "{}", standby.log());
    // The standby itself: what is due there is done on its primary.
    let primary = house.server.url();
    let house = house.at(&standby.url());
    let report = house.tend();
    assert_eq!(report.proved(), Vec::<&str>::new(), "{report:#?}");
    assert_eq!(report.code, Some(0), "and that is no finding: {report:#?}");
    let house = house.at(&primary);
    // One that applies nothing has no lag in time that the primary would know.
    standby.sql("SELECT pg_wal_replay_pause()");
    house
        .server
        .sql("CREATE TABLE bulk AS SELECT repeat('y', 1000) AS b FROM generate_series(1, 90000)");
    let received = "SELECT count(*) FROM pg_stat_replication WHERE pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 67108864";
    assert!(wait_until(SOON, || house.server.sql(received) == "1"));
    let report = house.tend();
    assert_eq!(report.proved(), Vec::<&str>::new(), "{report:#?}");
    assert!(report.left("vacuum_due").contains("of the log still to apply"), "{report:#?}");
    standby.sql("SELECT pg_wal_replay_resume()");
    assert!(wait_until(SOON, || house.server.sql(received) == "0"));
    let report = house.tend();
    assert!(report.proved().contains(&"vacuum main/public.orders"), "{report:#?}");
}

#[test]
fn nothing_is_begun_while_a_base_backup_is_taken() {
    let Some(house) = House::new(&["orders"]) else { return };
    house.server.sql(CHURNED);
    let backup = house.server.slow_base_backup();
    let at_work = || house.server.sql("SELECT count(*) FROM pg_stat_progress_basebackup") == "1";
    assert!(wait_until(SOON, at_work), "{}", house.server.log());
    let report = house.tend();
    assert_eq!(report.proved(), Vec::<&str>::new(), "{report:#?}");
    assert!(report.left("vacuum_due").contains("a base backup is being taken"), "{report:#?}");
    drop(backup);
    assert!(wait_until(SOON, || !at_work()), "{}", house.server.log());
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
}

#[test]
fn nothing_is_begun_while_a_standby_lags_by_more_than_half_a_minute() {
    let Some(house) = House::new(&["orders"]) else { return };
    house.server.sql(CHURNED);
    house.server.sql("CREATE TABLE ticks (n int)");
    let standby = house.server.standby();
    standby.sql("ALTER SYSTEM SET recovery_min_apply_delay = '35s'");
    standby.sql("SELECT pg_reload_conf()");
    // The primary knows the lag of what was applied: as long as something always is.
    let ticks = house.server.begin(
        "DO $$ BEGIN FOR n IN 1..600 LOOP INSERT INTO ticks VALUES (n); COMMIT; PERFORM pg_sleep(0.2); END LOOP; END $$",
    );
    let lags = "SELECT count(*) FROM pg_stat_replication WHERE extract(epoch FROM replay_lag) > 30";
    let late = || house.server.sql(lags) == "1";
    assert!(wait_until(Duration::from_secs(90), late), "{}", standby.log());
    let report = house.tend();
    assert_eq!(report.proved(), Vec::<&str>::new(), "{report:#?}");
    assert!(report.left("vacuum_due").contains(" s behind"), "{report:#?}");
    drop(ticks);
    drop(standby);
    assert!(wait_until(SOON, || !late()), "{}", house.server.log());
    let report = house.tend();
    assert!(report.proved().contains(&"vacuum main/public.orders"), "{report:#?}");
}
