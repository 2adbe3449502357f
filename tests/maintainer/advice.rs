//! What a person is told that only they can mend: whole statements, which database, and where more is said.

use super::house::House;

/// What a tool prints.
fn printed(house: &House, words: &[&str]) -> String {
    String::from_utf8_lossy(&house.output(words).stdout).into_owned()
}

#[test]
fn a_statement_of_the_advice_can_be_pasted_as_it_is_printed_and_makes_it_well() {
    let Some(house) = House::new(&["oders"]) else { return };
    house.server.sql(
        "CREATE SCHEMA \"a schema of some length\";
         CREATE SEQUENCE \"a schema of some length\".\"a sequence with a name of many long words\" AS int;
         SELECT setval('\"a schema of some length\".\"a sequence with a name of many long words\"', 1720000000);
         CREATE TABLE orders (id serial); SELECT setval('orders_id_seq', 1720000000)",
    );
    house.tend();
    let text = printed(&house, &["db", "advice"]);
    for told in [
        "main/public.orders.id comes to its end: 80 % of it is used up",
        "it writes the table anew, and nobody can use that meanwhile",
        "opsctl runbook counter_ending",
        "the database main has none; did you mean orders?",
    ] {
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(words.join(" ").contains(told), "{told}: {text}");
    }
    let critical = "SELECT setval('orders_id_seq', 2100000000)";
    house.server.sql(critical);
    house.tend();
    let first = house.asked(&["db", "advice"])[0]["message"].to_string();
    assert!(first.contains("public.orders.id comes to its end: 95 %"), "the worst first: {first}");
    let statements = text.lines().filter(|line| line.starts_with("ALTER "));
    for statement in statements.clone() {
        house.server.sql(statement);
    }
    assert_eq!(statements.count(), 2, "{text}");
    house.tend();
    let text = printed(&house, &["db", "advice"]);
    assert!(!text.contains("comes to its end"), "{text}");
}

#[test]
fn what_waits_for_a_person_is_not_called_well_and_its_incident_leads_to_its_page() {
    let Some(house) = House::new(&["oders"]) else { return };
    assert_eq!(house.tend().code, Some(1));
    let again =
        house.command(env!("CARGO_BIN_EXE_db-maintainer"), &[]).output().expect("it starts");
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert_eq!(again.status.code(), Some(0), "{text}");
    assert!(text.contains("nothing new is wrong; one finding waits for a person"), "{text}");
    assert!(!text.contains("is well"), "{text}");
    let page = printed(&house, &["runbook", "INC-1"]);
    assert!(page.starts_with("# table_missing: "), "{page}");
    assert_eq!(page, printed(&house, &["runbook", "table_missing"]));
    let unknown = house.output(&["runbook", "INC-7"]);
    assert_ne!(unknown.status.code(), Some(0));
}
