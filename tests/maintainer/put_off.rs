//! A chore that is put off night after night, because something else is at work, is told.

use std::time::Duration;

use super::house::House;
use super::peers::wait_until;

const SOON: Duration = Duration::from_secs(20);

impl House {
    /// Half a day goes by for what was put off.
    fn half_a_day_later(&self) {
        let file = self.path().join("state/ops.db");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let moved = "UPDATE streak SET doc = json_set(doc,
            '$.since', strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(doc, '$.since'), '-13 hours'),
            '$.until', strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(doc, '$.until'), '-13 hours'))";
        runtime.expect("a runtime").block_on(async {
            use sqlx::{ConnectOptions as _, Connection as _};
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut ledger = options.connect().await.expect("it opens");
            sqlx::query(moved).execute(&mut ledger).await.expect("it is moved");
            ledger.close().await.expect("it closes");
        });
    }

    /// Whether people are told that a vacuum is due.
    fn tells_of_a_vacuum(&self) -> bool {
        let open = self.asked(&["incidents"]);
        let mut all = open.as_array().expect("a list").iter();
        all.any(|one| one["key"].as_str().is_some_and(|key| key.contains("/vacuum_due/")))
    }
}

#[test]
fn a_vacuum_that_is_put_off_for_a_day_is_told_and_is_over_when_it_was_made() {
    let Some(house) = House::new(&["orders"]) else { return };
    house.server.sql(
        "CREATE TABLE orders (id int PRIMARY KEY, note text);
         INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n;
         DELETE FROM orders WHERE id % 2 = 0; ANALYZE orders",
    );
    let backup = house.server.slow_base_backup();
    let at_work = || house.server.sql("SELECT count(*) FROM pg_stat_progress_basebackup") == "1";
    assert!(wait_until(SOON, at_work), "{}", house.server.log());
    for _ in 0..2 {
        let report = house.tend();
        assert!(report.left("vacuum_due").contains("a base backup is being taken"), "{report:#?}");
        assert!(!house.tells_of_a_vacuum(), "it may come to its turn");
        house.half_a_day_later();
    }
    let report = house.tend();
    assert!(house.tells_of_a_vacuum(), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    let why = house.output(&["explain", "INC-1"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("not now: a base backup is being taken"), "{why}");
    drop(backup);
    assert!(wait_until(SOON, || !at_work()), "{}", house.server.log());
    let report = house.tend();
    assert_eq!(report.proved(), ["vacuum main/public.orders"], "{report:#?}");
    assert_eq!(report.code, Some(0), "{report:#?}");
}
