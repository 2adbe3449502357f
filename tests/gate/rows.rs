//! Acts on rows of the platform: how many at once, how many a day, and what a person holds.

use std::collections::BTreeMap;
use std::time::Duration;

use opswarden::domain::diagnosis::{Census, Coverage, Origin};
use opswarden::domain::gate::{Door, gate, refusal};
use opswarden::domain::incident::{RemediationId, RemediationState, Undone, control};
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{RowKind, RowRef};
use opswarden::domain::subject::{AgentName, CheckId, Key};

use super::request::Request;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_secs(1);
const ALMOST_AN_HOUR: Duration = Duration::from_secs(3_599);
const ALMOST_A_DAY: Duration = Duration::from_secs(24 * 3_600 - 1);

fn row(kind: RowKind, tenant: &str, id: &str) -> RowRef {
    RowRef::new(kind, tenant, id)
}

fn archive(id: &str) -> Operation {
    Operation::ArchiveContent(row(RowKind::Content, "shop", id))
}

fn reload(id: &str) -> Operation {
    Operation::ReloadDisplay(row(RowKind::Display, "shop", id))
}

/// A quiet change that nobody minds.
fn quiet() -> Request {
    Request::of_row("content-lifecycle", "content_orphaned", archive("c"))
}

/// A word to one display.
fn fleet() -> Request {
    Request::of_row("fleet-manager", "display_offline", reload("d"))
}

impl Request {
    /// The same operation on `many` other rows of `tenant`, verified so long ago.
    fn others(&mut self, many: usize, tenant: &str, ago: Duration) {
        for number in 0..many {
            let id = format!("other-{number}");
            let operation = match &self.operation {
                Operation::ArchiveContent(_) => {
                    Operation::ArchiveContent(row(RowKind::Content, tenant, &id))
                }
                _ => Operation::ReloadDisplay(row(RowKind::Display, tenant, &id)),
            };
            let subject = row(RowKind::Content, tenant, &id).subject();
            let key = Key::new(self.agent.clone(), self.key.check.clone(), subject);
            self.sent(key, operation, RemediationState::Verified, ago);
        }
    }

    /// The first `many` other rows are planned in this run.
    fn planned(&mut self, many: usize) {
        let other = |number: usize| match &self.operation {
            Operation::ArchiveContent(_) => archive(&format!("planned-{number}")),
            _ => reload(&format!("planned-{number}")),
        };
        self.run_so_far = (0..many).map(other).collect();
        self.unrecorded = many;
    }

    /// The door that is shut, and why.
    fn shut(&self) -> Option<(Door, String)> {
        let answers = gate(&self.input());
        refusal(&answers).map(|(door, why)| (door, why.to_owned()))
    }

    #[track_caller]
    fn is_shut(&self, door: Door, word: &str) {
        let Some((found, why)) = self.shut() else { panic!("{word}: it passes") };
        assert_eq!(found, door, "{why}");
        assert!(why.contains(word), "{why}");
    }

    #[track_caller]
    fn passes(&self) {
        assert_eq!(self.shut(), None);
    }
}

#[test]
fn an_act_on_a_row_needs_a_population_that_was_listed_completely() {
    for mut request in [quiet(), fleet()] {
        request.passes();
        request.census = None;
        request.is_shut(Door::Coverage, "not known");
        request.coverage = Coverage::Partial { why: "one page is missing".to_owned() };
        request.is_shut(Door::Coverage, "one page is missing");
    }
}

#[test]
fn only_what_the_platform_itself_says_licenses_an_act_on_its_rows() {
    for origin in [Origin::Loopback, Origin::Manager, Origin::Lan, Origin::Edge] {
        let mut request = quiet();
        request.origin = origin;
        request.is_shut(Door::Coverage, origin.as_str());
    }
}

#[test]
fn of_a_fleet_a_tenth_is_told_something_in_a_run_and_in_an_hour() {
    let mut request = fleet();
    // Ten of all agents' actions are shared by a run; here only the tenth is looked at.
    request.budgets.actions_per_run = 100;
    request.planned(9);
    request.passes();
    request.planned(10);
    request.is_shut(Door::BlastRadius, "10 of 10 fleet commands in this run");
    let mut request = fleet();
    request.others(9, "shop", ALMOST_AN_HOUR);
    request.passes();
    request.others(1, "shop", ALMOST_AN_HOUR);
    request.is_shut(Door::BlastRadius, "10 of 10 fleet commands of this tenant in the last hour");
    // Long ago, or elsewhere, is not here and now.
    for (tenant, ago) in [("shop", HOUR + MOMENT), ("market", MOMENT)] {
        let mut request = fleet();
        request.others(10, tenant, ago);
        request.passes();
    }
}

#[test]
fn a_tiny_fleet_may_be_told_one_thing() {
    let mut request = fleet();
    request.census = Some(Census { seen: 3, well: 2 });
    request.passes();
    request.others(1, "shop", MOMENT);
    request.is_shut(Door::BlastRadius, "1 of 1");
}

#[test]
fn an_ill_fleet_is_told_nothing() {
    for (seen, well, passes) in [(100, 51, true), (100, 50, false), (2, 1, false), (1, 0, false)] {
        let mut request = fleet();
        request.census = Some(Census { seen, well });
        if passes {
            request.passes();
        } else {
            request.is_shut(Door::BlastRadius, "one cause");
        }
        // What is quiet does not depend on how many are well.
        let mut request = quiet();
        request.census = Some(Census { seen, well });
        request.passes();
    }
}

#[test]
fn quiet_changes_of_one_kind_have_a_limit_in_a_run_and_in_a_day() {
    let mut request = quiet();
    request.policy.quiet_per_run = 7;
    request.planned(6);
    request.passes();
    request.planned(7);
    request.is_shut(Door::BlastRadius, "7 of 7");
    let mut request = quiet();
    request.others(11, "shop", ALMOST_A_DAY);
    // A tenth of the rows that were there when the day began: those that were archived since are counted no more.
    request.census = Some(Census { seen: 109, well: 100 });
    request.passes();
    request.census = Some(Census { seen: 108, well: 100 });
    request.is_shut(Door::BlastRadius, "a person must want");
    for (tenant, ago) in [("shop", DAY + MOMENT), ("market", MOMENT)] {
        let mut request = quiet();
        request.others(20, tenant, ago);
        request.passes();
    }
}

/// What a person takes back is no act of an agent, and what came back was there all the time.
#[test]
fn what_was_taken_back_neither_uses_up_the_day_nor_stretches_it() {
    let mut request = quiet();
    request.others(10, "shop", HOUR);
    request.census = Some(Census { seen: 100, well: 100 });
    let first = RemediationId(1);
    for one in &mut request.view.remediations {
        one.undone = Some(Undone { by: first, at: request.now, reason: "x".to_owned() });
    }
    request.is_shut(Door::BlastRadius, "10 of 10");
    let mut request = quiet();
    request.others(20, "shop", HOUR);
    request.view.remediations.iter_mut().for_each(|one| one.undo_of = Some(first));
    request.passes();
}

#[test]
fn a_small_tenant_may_have_five_quiet_changes_a_day() {
    let mut request = quiet();
    request.census = Some(Census { seen: 12, well: 12 });
    request.others(4, "shop", HOUR);
    request.passes();
    request.others(1, "shop", HOUR);
    request.is_shut(Door::BlastRadius, "5 of 5");
}

#[test]
fn a_row_is_acted_on_once_in_a_run_and_by_one_act_at_a_time() {
    let mut request = quiet();
    request.run_so_far = vec![archive("c")];
    request.is_shut(Door::BlastRadius, "in this run already");
    let mut request = quiet();
    let key = Key::new(
        AgentName::of("content-lifecycle"),
        CheckId::of("content_expired"),
        row(RowKind::Content, "shop", "c").subject(),
    );
    request.sent(key, archive("c"), RemediationState::Unknown, MOMENT);
    request.is_shut(Door::Owner, "on the same row");
}

#[test]
fn what_a_person_took_back_is_held_while_the_finding_is_the_same() {
    let facts = |text: &str| BTreeMap::from([("expired".to_owned(), text.to_owned())]);
    let held = |now: &str, then: &str, minutes| {
        let mut request = quiet();
        request.facts = facts(now);
        let key = control::hold_of(&request.key);
        request.control(&key, minutes);
        request.view.controls.get_mut(&key).expect("it was set").facts = facts(then);
        request
    };
    held("monday", "monday", None).is_shut(Door::Owner, "held by");
    // Whoever asks why is told of the hold, and not of limits that would end some day.
    let mut full = held("monday", "monday", None);
    full.others(100, "shop", HOUR);
    full.is_shut(Door::Owner, "held by");
    held("monday", "monday", Some(5)).is_shut(Door::Owner, "held by");
    // It is over, or the finding is another one.
    held("monday", "monday", Some(0)).passes();
    held("tuesday", "monday", None).passes();
    // One that was taken over without its facts holds whatever is found.
    let mut request = held("tuesday", "", None);
    let key = control::hold_of(&request.key);
    request.view.controls.get_mut(&key).expect("it was set").facts.clear();
    request.is_shut(Door::Owner, "held by");
}

#[test]
fn what_is_disruptive_counts_against_the_budget_of_all_and_what_is_quiet_does_not() {
    let mut request = fleet();
    request.budgets.actions_per_run = 0;
    request.is_shut(Door::Budget, "0 of 0");
    let mut request = quiet();
    request.budgets.actions_per_run = 0;
    request.budgets.actions_per_hour = 0;
    request.passes();
}
