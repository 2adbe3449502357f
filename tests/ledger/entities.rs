//! The one place that changes an entity: what it allows, and what it refuses.

use opswarden::domain::entities::Entities;
use opswarden::domain::event::{Event, NewEvent, RemediationOutcome};
use opswarden::domain::incident::{IncidentId, RemediationId, RemediationState, Resolution};
use opswarden::domain::severity::Severity;
use proptest::prelude::*;

use super::support::{
    acted, completed, control, escalated, event, fixed, intended, opened, recovered,
};

fn after(events: &[NewEvent]) -> Entities {
    let mut set = Entities::default();
    for event in events {
        set.apply(event).unwrap();
    }
    set
}

fn settled(number: u64, outcome: RemediationOutcome) -> NewEvent {
    event(Event::RemediationSettled {
        remediation: RemediationId(number),
        outcome,
        observed: "seen".to_owned(),
        after: None,
    })
}

fn open_web() -> Vec<NewEvent> {
    vec![opened(1, "web", Severity::Critical)]
}

fn tried(outcomes: &[NewEvent]) -> Vec<NewEvent> {
    open_web().into_iter().chain([intended(1, 1, "web", 1)]).chain(outcomes.to_vec()).collect()
}

#[test]
fn what_is_illegal_is_refused_and_changes_nothing() {
    use RemediationOutcome::{Failed, Unknown, Verified, Withdrawn};
    let no_proof = event(Event::IncidentResolved {
        incident: IncidentId(1),
        resolution: Resolution::Manual,
        proof: " ".to_owned(),
        remediation: None,
    });
    let changed = event(Event::IncidentSeverityChanged {
        incident: IncidentId(1),
        from: Severity::Info,
        to: Severity::Critical,
        message: "worse".to_owned(),
        facts: std::collections::BTreeMap::new(),
    });
    let table: Vec<(Vec<NewEvent>, NewEvent, &str)> = vec![
        (open_web(), opened(1, "api", Severity::Info), "the id is taken"),
        (open_web(), opened(2, "web", Severity::Info), "INC-1 is active"),
        (Vec::new(), recovered(1), "no such incident"),
        (open_web(), no_proof, "needs its proof"),
        (open_web(), changed, "its severity is critical"),
        ([open_web(), vec![recovered(1)]].concat(), recovered(1), "it is resolved"),
        ([open_web(), vec![recovered(1)]].concat(), escalated(1), "it is resolved"),
        ([open_web(), vec![escalated(1)]].concat(), escalated(1), "escalated already"),
        (open_web(), intended(1, 1, "web", 2), "attempt 2 does not follow 0"),
        (open_web(), intended(1, 1, "api", 1), "another key"),
        (tried(&[]), intended(2, 1, "web", 2), "REM-1 of the same key waits"),
        (tried(&[acted(1)]), acted(1), "it is verifying"),
        (tried(&[]), completed(1, Verified), "it is intended"),
        (tried(&[acted(1)]), completed(1, Withdrawn), "it is verifying"),
        (tried(&[]), settled(1, Verified), "it is intended"),
        (tried(&[acted(1)]), settled(1, Unknown), "verified or failed"),
        (tried(&[acted(1), completed(1, Failed)]), settled(1, Verified), "it is failed"),
        (tried(&[acted(1), completed(1, Failed)]), fixed(1, 1), "needs a verified remediation"),
        (open_web(), fixed(1, 9), "needs a verified remediation"),
    ];
    for (before, wrong, why) in table {
        let mut set = after(&before);
        let untouched = set.clone();
        let error = set.apply(&wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(set, untouched, "{why}");
    }
}

#[test]
fn a_proof_of_another_incident_does_not_fix_this_one() {
    let mut events = tried(&[acted(1), completed(1, RemediationOutcome::Verified)]);
    events.push(opened(2, "api", Severity::Critical));
    assert!(after(&events).apply(&fixed(2, 1)).is_err());
    assert!(after(&events).apply(&fixed(1, 1)).is_ok());
}

#[test]
fn a_withdrawn_attempt_is_given_back_and_a_failed_one_is_not() {
    let withdrawn = after(&tried(&[completed(1, RemediationOutcome::Withdrawn)]));
    assert_eq!(withdrawn.incidents()[&IncidentId(1)].attempts, 0);
    let failed = after(&tried(&[acted(1), completed(1, RemediationOutcome::Failed)]));
    assert_eq!(failed.incidents()[&IncidentId(1)].attempts, 1);
}

#[test]
fn doubt_is_settled_by_looking() {
    let doubt = [acted(1), completed(1, RemediationOutcome::Unknown)];
    let set = after(&tried(&doubt));
    assert_eq!(set.remediations()[&RemediationId(1)].state, RemediationState::Unknown);
    assert_eq!(set.remediations()[&RemediationId(1)].finished_at, None);
    let mut settled_set = set;
    settled_set.apply(&settled(1, RemediationOutcome::Failed)).unwrap();
    assert!(settled_set.remediations()[&RemediationId(1)].finished_at.is_some());
}

fn any_event() -> impl Strategy<Value = NewEvent> {
    use RemediationOutcome::{Failed, Unknown, Verified, Withdrawn};
    let name = prop_oneof![Just("web"), Just("api")];
    let outcome = prop_oneof![Just(Verified), Just(Failed), Just(Unknown), Just(Withdrawn)];
    let severity =
        prop_oneof![Just(Severity::Info), Just(Severity::Warning), Just(Severity::Critical)];
    prop_oneof![
        (1..5_u64, name.clone(), severity).prop_map(|(id, name, how)| opened(id, name, how)),
        (1..5_u64).prop_map(recovered),
        (1..5_u64).prop_map(escalated),
        (1..5_u64, 1..5_u64, name, 1..4_u32)
            .prop_map(|(id, of, name, n)| intended(id, of, name, n)),
        (1..5_u64).prop_map(acted),
        (1..5_u64, outcome.clone()).prop_map(|(id, how)| completed(id, how)),
        (1..5_u64, outcome).prop_map(|(id, how)| settled(id, how)),
        (1..5_u64, 1..5_u64).prop_map(|(incident, id)| fixed(incident, id)),
        any::<bool>().prop_map(|on| control("pause:all", on)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_laws_hold_and_every_active_incident_has_an_exit(
        events in prop::collection::vec(any_event(), 0..80)
    ) {
        let mut set = Entities::default();
        for event in &events {
            let before = set.clone();
            if set.apply(event).is_err() {
                prop_assert_eq!(&set, &before, "a refused event changed something");
            }
        }
        for name in ["web", "api"] {
            let key = super::support::key(name);
            let active: Vec<_> =
                set.incidents().values().filter(|one| one.key == key && one.is_active()).collect();
            prop_assert!(active.len() <= 1);
            prop_assert_eq!(set.active_incident(&key), active.first().copied());
            let open: Vec<_> = set
                .remediations()
                .values()
                .filter(|one| one.key == key && one.state.is_open())
                .collect();
            prop_assert!(open.len() <= 1);
            prop_assert_eq!(set.open_remediation(&key), open.first().copied());
        }
        for incident in set.incidents().clone().values().filter(|one| one.is_active()) {
            prop_assert!(set.apply(&recovered(incident.id.0)).is_ok(), "{} has no exit", incident.id);
        }
    }
}
