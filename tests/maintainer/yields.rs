//! Nobody waits for long because of us: who does is let through.

use std::time::{Duration, Instant};

use super::house::House;

/// Settings by which every index is built anew.
pub(crate) const REBUILD: &str = "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
     [agents.db-maintainer.limits]\nbloat_least_mib = 1\n";

/// A table whose index is much too large, and large enough for a rebuild to take a while.
pub(crate) fn bloated(house: &House, rows: u32) {
    house.settings(REBUILD);
    house.server.sql(&format!(
        "CREATE TABLE orders (id bigint, note text);
         INSERT INTO orders SELECT n, repeat('x', 20) FROM generate_series(1, {rows}) n;
         CREATE INDEX orders_id ON orders (id);
         DELETE FROM orders WHERE id % 3 <> 0;"
    ));
    house.server.sql("SELECT pg_sleep(0.3)");
    house.server.sql("VACUUM ANALYZE orders");
    house.server.sql("SELECT pg_sleep(0.3)");
}

/// A vacuum of `orders` that somebody comes to wait for gives way.
pub(crate) fn let_through_a_vacuum(house: &House) {
    let run = house.maintainer().stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let at_work = || house.sql("SELECT count(*) FROM pg_stat_progress_vacuum") == "1";
    assert!(super::peers::wait_until(Duration::from_secs(15), at_work), "{}", house.server.log());
    let began = Instant::now();
    house.server.sql("ALTER TABLE orders ADD COLUMN more int");
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let output = run.wait_with_output().expect("it ends");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("others waited for it, so it gave way"), "{report}");
    assert_eq!(output.status.code(), Some(0), "due still, and nothing failed: {report}");
}

#[test]
fn who_waits_for_a_rebuild_is_let_through_within_three_seconds() {
    let Some(house) = House::new(&[]) else { return };
    bloated(&house, 200_000);
    // An older transaction makes the rebuild wait, and whoever wants the table for itself then waits behind the rebuild.
    let hold = house.server.begin("BEGIN; SELECT count(*) FROM orders; SELECT pg_sleep(12)");
    std::thread::sleep(Duration::from_millis(500));
    let mut run =
        house.maintainer().stdout(std::process::Stdio::null()).spawn().expect("it starts");
    let at_work = || {
        house.server.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REINDEX%' AND pid <> pg_backend_pid()") == "1"
    };
    assert!(super::peers::wait_until(Duration::from_secs(10), at_work), "{}", house.server.log());
    let began = Instant::now();
    // It needs a lock that the rebuild holds, and that the older reader does not stand in the way of.
    assert!(house.server.may_fail("ANALYZE orders"));
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    run.wait().expect("it ends");
    drop(hold);
}

#[test]
fn a_vacuum_that_takes_long_gives_way_to_whoever_waits_and_is_taken_for_no_attempt() {
    // So slow that it would take minutes.
    let slow = "autovacuum = off\nvacuum_cost_delay = 50\nvacuum_cost_limit = 2";
    let Some(house) = House::with(&["orders"], slow) else { return };
    house.server.sql(
        "CREATE TABLE orders (id int, note text);
         INSERT INTO orders SELECT n, repeat('x', 200) FROM generate_series(1, 60000) n;
         DELETE FROM orders WHERE id % 2 = 0",
    );
    house.server.sql("SELECT pg_sleep(0.3)");
    let_through_a_vacuum(&house);
}
