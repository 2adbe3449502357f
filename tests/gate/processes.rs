//! Acts on processes, door by door: from a request that passes all of them, each door is shut alone.

use std::time::Duration;

use opswarden::domain::diagnosis::{Coverage, Origin};
use opswarden::domain::gate::{Answer, Door, gate, gate_again, refusal};
use opswarden::domain::incident::{Escalated, RemediationState, Resolution, Resolved, control};
use opswarden::domain::policy::Autonomy;
use opswarden::domain::run::Effectiveness;
use opswarden::domain::subject::AgentName;

use super::request::{Request, restart};

#[test]
fn a_good_request_passes_nine_doors_and_says_which_had_nothing_to_say() {
    let good = Request::good();
    let answers = gate(&good.input());
    assert_eq!(refusal(&answers), None);
    let doors: Vec<Door> = answers.iter().map(|answer| answer.door).collect();
    assert_eq!(doors, &Door::ALL[..9]);
    let silent = |answer: &Answer| matches!(answer, Answer::NotApplicable(_));
    let silent: Vec<Door> =
        answers.iter().filter(|one| silent(&one.answer)).map(|one| one.door).collect();
    assert_eq!(silent, [Door::Freeze], "no later issue's door passes in silence");
}

#[test]
fn each_door_is_shut_alone() {
    type Shut = fn(&mut Request);
    let doors: [(Door, &str, Shut); 25] = [
        (Door::Armed, "paused", |r| r.control(control::PAUSE_ALL, Some(5))),
        (Door::Armed, "paused", |r| r.control("pause:health-guardian", Some(5))),
        (Door::Autonomy, "observe only", |r| r.observe_only = true),
        (Door::Autonomy, "propose", |r| r.control(control::PROPOSE_ONLY, None)),
        (Door::Autonomy, "level is observe", |r| r.policy.autonomy = Autonomy::Observe),
        (Door::Autonomy, "level is propose", |r| r.policy.autonomy = Autonomy::Propose),
        (Door::Autonomy, "no person has approved it yet", |r| {
            r.policy.autonomy = Autonomy::Approve;
        }),
        (Door::Coverage, "not listed completely", |r| {
            r.coverage = Coverage::Partial { why: "cut".to_owned() };
        }),
        (Door::Coverage, "seen from edge", |r| r.origin = Origin::Edge),
        (Door::Coverage, "seen from lan", |r| r.origin = Origin::Lan),
        (Door::BlastRadius, "in this run already", |r| r.run_so_far = vec![restart("shop")]),
        (Door::BlastRadius, "3 of 3", |r| {
            r.run_so_far = ["a", "b", "c"].map(restart).to_vec();
        }),
        (Door::Owner, "belongs to", |r| r.agent = AgentName::of("somebody-else")),
        (Door::Owner, "waits for its answer", |r| {
            r.done(1, RemediationState::Unknown);
            r.view.remediations[0].key = r.key.clone();
        }),
        (Door::Owner, "same process", |r| {
            r.done(1, RemediationState::Verifying);
            r.view.remediations[0].operation = restart("shop");
        }),
        (Door::Attempts, "no incident", |r| r.view.active.clear()),
        (Door::Attempts, "2 of 2", |r| r.incident().attempts = 2),
        (Door::Attempts, "on pm2:shop (2 of them for other findings)", |r| {
            r.tried_for_another(2, 60);
        }),
        (Door::Attempts, "back-off", |r| r.tried_for_another(1, 5)),
        (Door::Attempts, "a person was called", |r| {
            let at = r.now;
            r.incident().escalated = Some(Escalated { at, reason: "spent".to_owned() });
        }),
        (Door::Attempts, "back-off", |r| {
            let at = r.now - Duration::from_mins(5);
            r.incident().attempts = 1;
            r.incident().last_attempt_at = Some(at);
        }),
        (Door::Budget, "0 of 0 actions of this run", |r| r.budgets.actions_per_run = 0),
        (Door::Budget, "30 of 30", |r| r.done(30, RemediationState::Verified)),
        (Door::Budget, "30 of 30", |r| {
            // Planned by this run, and not in the ledger yet.
            r.done(29, RemediationState::Verified);
            r.run_so_far = vec![restart("planned")];
            r.unrecorded = 1;
        }),
        (Door::Supported, "0 of 5", |r| {
            let never = Effectiveness { verified: 0, ended: 5 };
            r.view.effectiveness.insert("restart_process".to_owned(), never);
        }),
    ];
    for (place, (door, why, shut)) in doors.into_iter().enumerate() {
        let mut request = Request::good();
        shut(&mut request);
        let answers = gate(&request.input());
        let refused = refusal(&answers).map(|(door, text)| (door, text.to_owned()));
        let Some((found, text)) = refused else { panic!("case {place}: {door:?} lets pass") };
        assert_eq!(found, door, "case {place}: {text}");
        assert!(text.contains(why), "case {place}: {text}");
        assert_eq!(
            answers.last().map(|one| one.door),
            Some(door),
            "nothing is asked behind a shut door"
        );
    }
}

#[test]
fn what_is_over_shuts_nothing() {
    let mut request = Request::good();
    request.control(control::PAUSE_ALL, Some(0));
    request.done(29, RemediationState::Verified);
    request.done(5, RemediationState::Withdrawn);
    let helped = Effectiveness { verified: 1, ended: 50 };
    request.view.effectiveness.insert("restart_process".to_owned(), helped);
    // Attempts for another finding that ended long ago, or by a person, are over too.
    let mut other = Request::good();
    for resolution in [Resolution::Recovered, Resolution::Manual] {
        other.tried_for_another(2, 60);
        let mut ended = other.view.active.pop().expect("the other incident");
        let long_ago = resolution == Resolution::Recovered;
        let at = other.now - Duration::from_mins(if long_ago { 31 } else { 1 });
        ended.resolved = Some(Resolved { at, resolution, proof: "seen".to_owned() });
        other.view.resolved = vec![ended];
        assert_eq!(refusal(&gate(&other.input())), None, "{resolution:?}");
        other = Request::good();
    }
    request.incident().attempts = 1;
    let long_ago = request.now - Duration::from_mins(13);
    request.incident().last_attempt_at = Some(long_ago);
    assert_eq!(refusal(&gate(&request.input())), None);
}

#[test]
fn the_second_half_asks_what_the_ledger_can_change() {
    let doors: Vec<Door> =
        gate_again(&Request::good().input()).iter().map(|answer| answer.door).collect();
    assert_eq!(doors, [Door::Armed, Door::Autonomy, Door::Freeze, Door::Attempts, Door::Budget]);
    let mut paused = Request::good();
    paused.control(control::PAUSE_ALL, Some(5));
    assert!(refusal(&gate_again(&paused.input())).is_some());
}
