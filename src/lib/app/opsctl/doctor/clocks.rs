//! Clocks: schedules, evidence and messages all rest on this machine's time.

use super::row::{Grade, Row};
use crate::adapters::time_source::{bundled_zones, synchronised, system_zones};

/// The clock, and the rules of time zones.
pub(super) async fn clocks() -> Vec<Row> {
    let (grade, found) = match synchronised().await {
        Ok(true) => (Grade::Ok, "is synchronised".to_owned()),
        Ok(false) => {
            let why = "follows no other clock: slots, evidence and quiet hours drift with it; install chrony or \
                       systemd-timesyncd";
            (Grade::Partial, why.to_owned())
        }
        Err(why) => (Grade::Partial, format!("may follow another clock or not: {why}")),
    };
    let zones = zones(bundled_zones(), system_zones().as_deref());
    vec![(grade, "system clock".to_owned(), found), zones]
}

/// Schedules are reckoned by the rules that this program carries, whatever the machine has.
fn zones(bundled: Option<&str>, system: Option<&str>) -> Row {
    let about = "time zones".to_owned();
    match (bundled, system) {
        // A year and a letter: they sort as they stand.
        (Some(ours), Some(theirs)) if theirs > ours => (
            Grade::Partial,
            about,
            format!(
                "this machine knows the rules of {theirs}, opswarden those of {ours}: a zone that changed since is \
                 reckoned by its old rules; install a newer opswarden"
            ),
        ),
        (Some(ours), Some(theirs)) => (
            Grade::Ok,
            about,
            format!("rules of {ours} are built in; this machine has those of {theirs}"),
        ),
        (Some(ours), None) => (Grade::Ok, about, format!("rules of {ours} are built in")),
        (None, _) => {
            (Grade::Partial, about, "the version of the built-in rules is not known".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_newer_rules_of_the_machine_are_worth_a_word() {
        assert_eq!(zones(Some("2026b"), Some("2025b")).0, Grade::Ok);
        assert_eq!(zones(Some("2026b"), Some("2026b")).0, Grade::Ok);
        assert_eq!(zones(Some("2026b"), None).0, Grade::Ok);
        assert_eq!(zones(Some("2026b"), Some("2026c")).0, Grade::Partial);
        assert_eq!(zones(Some("2026b"), Some("2027a")).0, Grade::Partial);
    }
}
