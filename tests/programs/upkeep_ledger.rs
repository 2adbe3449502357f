//! The file of opswarden's own ledger: a long log is written back, what holds nothing is given back, and what is broken is
//! found and told.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::upkeep::{House, proved};

const MIB: u64 = 1024 * 1024;
/// A table that no program looks into.
const BALLAST: &str = "CREATE TABLE ballast (bytes BLOB)";

fn file(house: &House, name: &str) -> PathBuf {
    house.0.path().join("state").join(name)
}

fn size(house: &House, name: &str) -> u64 {
    fs::metadata(file(house, name)).map_or(0, |found| found.len())
}

async fn ledger(house: &House) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file(house, "ops.db"));
    options.busy_timeout(Duration::from_secs(5)).connect().await.expect("the ledger opens")
}

async fn told(ledger: &mut SqliteConnection, statements: &[&str]) {
    for statement in statements {
        let query = sqlx::query(AssertSqlSafe((*statement).to_owned()));
        query.execute(&mut *ledger).await.unwrap_or_else(|why| panic!("{statement}: {why}"));
    }
}

/// The remediation with this operation, from the ledger.
fn remediation(house: &House, operation: &str) -> Value {
    let all = house.0.asked(&["remediations"]);
    let of_it = |one: &&Value| one.to_string().contains(&format!("\"{operation}\""));
    let found = all.as_array().expect("a list").iter().find(of_it);
    found.unwrap_or_else(|| panic!("no {operation}: {all:#}")).clone()
}

/// A measure of the file, before or after.
fn measured(remediation: &Value, when: &str, measure: &str) -> u64 {
    let value = &remediation[when]["data"]["measures"][measure];
    let number = value.as_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("no {measure} {when}: {remediation:#}"))
}

#[tokio::test]
async fn a_long_log_is_written_back_as_soon_as_nobody_reads_in_it() {
    let house = House::new();
    house.tend();
    let (mut writer, mut reader) = (ledger(&house).await, ledger(&house).await);
    told(&mut writer, &["PRAGMA wal_autocheckpoint = 0", BALLAST]).await;
    told(&mut reader, &["BEGIN", "SELECT * FROM ballast"]).await;
    told(&mut writer, &["INSERT INTO ballast VALUES (zeroblob(70 * 1024 * 1024))"]).await;
    assert!(size(&house, "ops.db-wal") > 64 * MIB);
    let (report, _) = house.tend();
    assert_eq!(proved(&report), Vec::<&str>::new(), "{report:#}");
    assert!(report.to_string().contains("others are at work in it"), "{report:#}");
    assert!(size(&house, "ops.db-wal") > 64 * MIB, "who reads keeps what he reads");
    told(&mut reader, &["COMMIT"]).await;
    let (report, code) = house.tend();
    assert_eq!((proved(&report), code), (vec!["write the log of ledger back"], Some(0)));
    let done = remediation(&house, "checkpoint");
    assert!(measured(&done, "before", "wal_bytes") > 64 * MIB, "{done:#}");
    assert!(measured(&done, "after", "wal_bytes") < MIB, "{done:#}");
    assert!(size(&house, "ops.db-wal") < MIB, "{} bytes", size(&house, "ops.db-wal"));
}

#[tokio::test]
async fn a_file_that_holds_much_of_nothing_becomes_small_and_the_view_tells_of_it() {
    let house = House::new();
    house.tend();
    let mut writer = ledger(&house).await;
    let (fill, empty) =
        ("INSERT INTO ballast VALUES (zeroblob(20 * 1024 * 1024))", "DROP TABLE ballast");
    told(&mut writer, &[BALLAST, fill, empty]).await;
    writer.close().await.expect("it closes");
    assert!(size(&house, "ops.db") > 20 * MIB);
    let (report, code) = house.tend();
    assert_eq!((proved(&report), code), (vec!["compact ledger"], Some(0)), "{report:#}");
    let done = remediation(&house, "compact");
    let (before, after) =
        (measured(&done, "before", "size_bytes"), measured(&done, "after", "size_bytes"));
    assert!(before > 20 * MIB && after < 4 * MIB, "{done:#}");
    assert!(size(&house, "ops.db") < 4 * MIB, "{} bytes", size(&house, "ops.db"));
    let (report, _) = house.tend();
    assert_eq!(proved(&report), Vec::<&str>::new(), "it is done once: {report:#}");
    let view = fs::read_to_string(file(&house, "ops-state.json")).expect("a view");
    let view: Value = serde_json::from_str(&view).expect("a view");
    let act = &view["recentRemediations"][0];
    assert_eq!((&act["id"], &act["check"]), (&done["id"], &"ledger_loose".into()), "{act:#}");
    assert_eq!((&act["incident"], &act["outcome"]), (&Value::Null, &"verified".into()), "{act:#}");
    let says = |when: &str, bytes: u64| {
        act[when].as_str().is_some_and(|text| text.contains(&bytes.to_string()))
    };
    assert!(says("before", before) && says("after", after), "{act:#}");
    let at = |name: &str| done[name].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let took = at("acted_at").expect("a time") - at("intended_at").expect("a time");
    let took = took.total(jiff::Unit::Millisecond).expect("a number");
    assert!(act["tookMs"].as_f64().is_some_and(|ms| (ms - took).abs() < 1.0), "{act:#}");
}

#[tokio::test]
async fn a_page_of_garbage_is_found_and_told_as_critical() {
    let house = House::new();
    house.tend();
    let mut writer = ledger(&house).await;
    told(&mut writer, &[BALLAST, "INSERT INTO ballast VALUES (zeroblob(100))"]).await;
    let asked =
        "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size() WHERE name = 'ballast'";
    let (page, bytes): (i64, i64) =
        sqlx::query_as(asked).fetch_one(&mut writer).await.expect("it is there");
    told(&mut writer, &["PRAGMA wal_checkpoint(TRUNCATE)"]).await;
    writer.close().await.expect("it closes");
    let (report, code) = house.tend();
    assert_eq!((report["open"].as_array().map(Vec::len), code), (Some(0), Some(0)), "{report:#}");
    let (page, bytes) =
        (usize::try_from(page).expect("a page"), usize::try_from(bytes).expect("a size"));
    let mut whole = fs::read(file(&house, "ops.db")).expect("the ledger");
    whole[(page - 1) * bytes..page * bytes].fill(0xA5);
    fs::write(file(&house, "ops.db"), whole).expect("it is harmed");
    let (report, code) = house.tend();
    assert_eq!(code, Some(1), "{report:#}");
    let all = house.0.asked(&["incidents"]);
    let of_it =
        |one: &&Value| one["key"].as_str().is_some_and(|key| key.contains("ledger_damaged"));
    let found = all.as_array().expect("a list").iter().find(of_it).expect("an incident");
    assert_eq!(found["severity"], "critical", "{found:#}");
    let message = found["message"].as_str().unwrap_or_default();
    assert!(message.contains(&format!("page {page}")), "{message}");
}
