//! What a look at a healthy database asks of its server: a question more for each table would be felt by everybody.

use super::house::House;

/// Each question, and what a session is told and asked at its beginning.
const MOST: usize = 30;

/// How many statements a run sent, as the server wrote down.
fn asked(house: &House) -> usize {
    let before = house.server.log().len();
    let report = house.tend();
    assert_eq!(report.code, Some(0), "{report:#?}");
    let log = house.server.log();
    let ours = log[before..].lines().filter(|line| line.contains("opswarden db-maintainer"));
    ours.filter(|line| line.contains("statement: ") || line.contains("execute ")).count()
}

#[test]
fn two_hundred_healthy_tables_are_asked_about_as_one_is() {
    let logged = "autovacuum = off\nlog_statement = 'all'\nlog_line_prefix = '%a '";
    let Some(house) = House::with(&[], logged) else { return };
    let table = |n: usize| {
        format!("CREATE TABLE t{n} (id serial PRIMARY KEY); INSERT INTO t{n} VALUES (1); ")
    };
    house.server.sql(&table(0));
    // The first run has a backup of its own ledger to make.
    house.tend();
    let one = asked(&house);
    house.server.sql(&(1..200).map(table).collect::<String>());
    let many = asked(&house);
    assert!(one > 10, "they are counted: {one}");
    assert_eq!(many, one, "however many tables there are");
    assert!(one <= MOST, "{one}");
}
