//! Nobody waits for long because of us, and what a killed run left behind is taken away by the next.

use std::time::{Duration, Instant};

use super::house::House;

/// Settings by which every index is built anew.
const REBUILD: &str = "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
     [agents.db-maintainer.limits]\nbloat_least_mib = 1\n";

/// A table whose index is much too large, and large enough for a rebuild to take a while.
fn bloated(house: &House, rows: u32) {
    house.settings(REBUILD);
    house.server.sql(&format!(
        "CREATE TABLE orders (id bigint, note text);
         INSERT INTO orders SELECT n, repeat('x', 20) FROM generate_series(1, {rows}) n;
         CREATE INDEX orders_id ON orders (id);
         DELETE FROM orders WHERE id % 3 <> 0;"
    ));
    house.server.sql("VACUUM ANALYZE orders");
    house.server.sql("SELECT pg_sleep(0.3)");
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
fn what_a_killed_rebuild_leaves_behind_is_gone_after_the_next_run() {
    let Some(house) = House::new(&[]) else { return };
    bloated(&house, 200_000);
    for kill_after in [50_u64, 150, 300, 600, 1000] {
        let mut run =
            house.maintainer().stdout(std::process::Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(kill_after));
        run.kill().expect("it is killed");
        run.wait().expect("it ends");
        // The server ends what its client left within a second or so.
        let idle = || {
            house.server.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'opswarden%'",
            ) == "0"
        };
        assert!(super::peers::wait_until(Duration::from_secs(10), idle), "{}", house.server.log());
        house.tend();
        let invalid = house.server.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid");
        assert_eq!(invalid, "0", "killed after {kill_after} ms");
    }
    assert_eq!(
        house.server.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass"),
        "1"
    );
}
