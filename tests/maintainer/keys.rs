//! Keys of a real database whose numbers come to their end, also where no sequence gives them.

use super::house::House;

/// What is told of them, and the statement that a person could run about each.
fn ending(house: &House) -> Vec<(String, String)> {
    house.tend();
    let all = house.asked(&["db", "advice"]);
    let text = |one: &serde_json::Value, field: &str| one[field].as_str().unwrap_or("").to_owned();
    let found = all.as_array().expect("a list").iter();
    let found = found.map(|one| (text(one, "message"), text(one, "sql")));
    found.filter(|(message, _)| message.contains("comes to its end")).collect()
}

#[test]
fn a_key_that_no_sequence_gives_and_a_reference_that_is_too_small_are_told_and_the_advice_helps() {
    let Some(house) = House::new(&[]) else { return };
    house.server.sql(
        "CREATE TABLE by_hand (id int PRIMARY KEY, height int);
         INSERT INTO by_hand SELECT 1700000000 + n, 2000000000 FROM generate_series(1, 500) n;
         CREATE TABLE small (id smallint UNIQUE);
         INSERT INTO small SELECT n FROM generate_series(1, 25000) n;
         CREATE TABLE large (id bigserial PRIMARY KEY);
         INSERT INTO large SELECT 1700000000 + n FROM generate_series(1, 500) n;
         CREATE TABLE child (of_large int REFERENCES large);
         INSERT INTO child SELECT 1700000001 FROM generate_series(1, 500);
         CREATE TABLE young (id int PRIMARY KEY);
         INSERT INTO young SELECT n FROM generate_series(1, 500) n;
         ANALYZE",
    );
    let found = ending(&house);
    let names: Vec<&str> =
        found.iter().filter_map(|(message, _)| message.split(' ').next()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        ["main/public.by_hand.id", "main/public.child.of_large", "main/public.small.id"]
    );
    for (_, sql) in &found {
        house.server.sql(sql);
    }
    house.server.sql("ANALYZE");
    assert_eq!(ending(&house), Vec::new(), "and it is well then");
}
