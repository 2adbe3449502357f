//! Door 2 and a person's word: what it waits for, what opens it, and for what.

use std::time::Duration;

use jiff::Timestamp;
use opswarden::domain::approval::{Approval, ApprovalState, Ask, Decided};
use opswarden::domain::gate::{
    Answer, Door, asks, gate, gate_again, gate_but_for_a_person, licence, refusal, unasked,
};
use opswarden::domain::incident::{ApprovalId, IncidentId, control};
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{RowKind, RowRef};
use opswarden::domain::policy::Autonomy;
use opswarden::domain::proposal::Proposal;

use super::request::Request;

const HOUR: Duration = Duration::from_hours(1);

fn archive() -> Request {
    let row = RowRef::new(RowKind::Content, "shop", "c");
    Request::of_row("content-lifecycle", "content_orphaned", Operation::ArchiveContent(row))
}

/// An act that nobody could take back.
fn for_good() -> Request {
    Request { not_undoable: Some("its state is lost".to_owned()), ..archive() }
}

/// A request of exactly this act, asked an hour ago for a day.
fn asked(of: &Request, number: u64, state: ApprovalState) -> Approval {
    let proposal = Proposal {
        key: of.key.clone(),
        operation: of.operation.clone(),
        guard: of.guard.clone(),
        facts: of.facts.clone(),
    };
    let at = of.now - HOUR;
    let decided = Decided { by: "human:ada".to_owned(), at, reason: "it was seen".to_owned() };
    Approval {
        id: ApprovalId(number),
        digest: proposal.digest(),
        ask: Ask {
            proposal,
            incident: Some(IncidentId(1)),
            message: "it is not wanted".to_owned(),
            why: "nobody plays it".to_owned(),
            not_undoable: None,
        },
        requested_at: at,
        requested_by: None,
        expires_at: at + HOUR * 24,
        state,
        decided: (state == ApprovalState::Granted || state == ApprovalState::Denied)
            .then_some(decided),
        ended: None,
        used_by: None,
    }
}

/// The text of door 2, and whether it lets pass.
fn door(of: &Request) -> (bool, String) {
    let answers = gate(&of.input());
    let found = answers.into_iter().find(|one| one.door == Door::Autonomy).expect("it was asked");
    match found.answer {
        Answer::Passed(text) => (true, text),
        Answer::Refused(text) => (false, text),
        Answer::NotApplicable(text) => panic!("{text}"),
    }
}

#[test]
fn only_what_cannot_be_taken_back_or_is_below_act_needs_a_person() {
    assert_eq!(door(&archive()), (true, "the level is act".to_owned()));
    let (open, text) = door(&for_good());
    assert!(!open && text.contains("cannot be undone exactly (its state is lost)"), "{text}");
    let mut below = archive();
    below.policy.autonomy = Autonomy::Approve;
    let (open, text) = door(&below);
    assert!(!open && text.starts_with("the level is approve"), "{text}");
    // What interrupts something cannot be untold either, and is over soon.
    let mut restart = Request::good();
    restart.not_undoable = Some("a process cannot be brought back".to_owned());
    assert!(door(&restart).0);
    for level in [Autonomy::Observe, Autonomy::Propose] {
        let mut none = for_good();
        none.policy.autonomy = level;
        none.view.approvals = vec![asked(&none, 1, ApprovalState::Granted)];
        assert!(!door(&none).0, "no grant reaches below approve");
        assert!(!asks(&none.input()) && licence(&none.input()).is_none());
    }
}

#[test]
fn every_standing_has_its_answer() {
    use ApprovalState::{Denied, Expired, Granted, Pending, Used, Withdrawn};
    type Spoil = fn(&mut Approval, Timestamp);
    let none: Spoil = |_, _| {};
    let late: Spoil = |one, now| one.expires_at = now;
    let long_ago: Spoil = |one, now| one.expires_at = now - HOUR * 24;
    let table: [(ApprovalState, Spoil, bool, &str, bool, bool); 11] = [
        (Granted, none, true, "granted by human:ada", false, false),
        (Granted, late, false, "APR-1 expired", true, false),
        (
            Pending,
            none,
            false,
            "it waits for APR-1: `opsctl approve APR-1 --reason …`",
            true,
            false,
        ),
        (Pending, late, false, "APR-1 expired", true, false),
        (Pending, long_ago, false, "no person has approved it yet", true, true),
        (Denied, none, false, "denied by human:ada", false, false),
        (Denied, long_ago, false, "denied by human:ada", false, false),
        (Expired, late, false, "it is asked again after", true, false),
        (Expired, long_ago, false, "no person has approved it yet", true, true),
        (Withdrawn, none, false, "no person has approved it yet", true, true),
        (Used, none, false, "no person has approved it yet", true, true),
    ];
    for (state, spoil, opens, text, may_ask, first) in table {
        let mut request = for_good();
        let mut found = asked(&request, 1, state);
        spoil(&mut found, request.now);
        request.view.approvals = vec![found];
        let (open, said) = door(&request);
        assert_eq!(open, opens, "{state:?}: {said}");
        assert!(said.contains(text), "{state:?}: {said}");
        let again = gate_again(&request.input());
        assert_eq!(refusal(&again).is_none(), opens, "the same under the write lock");
        let input = request.input();
        assert_eq!((asks(&input), unasked(&input)), (may_ask, first), "{state:?}");
        assert_eq!(licence(&input), opens.then_some(ApprovalId(1)), "{state:?}");
    }
}

#[test]
fn a_grant_is_for_one_digest_and_one_episode() {
    let spoilt: [fn(&mut Request); 4] = [
        |r| drop(r.facts.insert("name".to_owned(), "another".to_owned())),
        |r| {
            r.guard = opswarden::domain::operation::Guard::SameRow {
                fields: [(opswarden::domain::platform::Field::Status, None)].into(),
            };
        },
        |r| {
            r.operation = Operation::RestoreContent {
                content: RowRef::new(RowKind::Content, "shop", "c"),
                status: "active".to_owned(),
            }
        },
        |r| r.incident().id = IncidentId(2),
    ];
    for spoil in spoilt {
        let mut request = for_good();
        request.view.approvals = vec![asked(&request, 1, ApprovalState::Granted)];
        assert!(door(&request).0);
        spoil(&mut request);
        assert!(!door(&request).0, "{:?}", door(&request));
        assert_eq!(licence(&request.input()), None);
    }
}

#[test]
fn the_newest_word_counts() {
    let mut request = for_good();
    let granted = asked(&request, 2, ApprovalState::Granted);
    request.view.approvals = vec![asked(&request, 1, ApprovalState::Withdrawn), granted];
    assert!(door(&request).0);
    request.view.approvals.push(asked(&request, 3, ApprovalState::Used));
    assert!(!door(&request).0, "what was used is used");
}

#[test]
fn a_grant_opens_no_other_door_and_nobody_is_asked_for_what_they_keep_shut() {
    let shut: [fn(&mut Request); 4] = [
        |r| r.control(control::PAUSE_ALL, Some(5)),
        |r| r.incident().attempts = 2,
        |r| r.census = None,
        |r| r.dialect = None,
    ];
    for shut in shut {
        let mut request = for_good();
        assert!(refusal(&gate_but_for_a_person(&request.input())).is_none());
        shut(&mut request);
        assert!(refusal(&gate_but_for_a_person(&request.input())).is_some());
        request.view.approvals = vec![asked(&request, 1, ApprovalState::Granted)];
        assert!(refusal(&gate(&request.input())).is_some());
    }
    let mut rescued = for_good();
    rescued.view.approvals = vec![asked(&rescued, 1, ApprovalState::Granted)];
    rescued.control(control::PROPOSE_ONLY, None);
    assert!(!door(&rescued).0, "a ledger that was lost only proposes");
}
