//! What holds for every message, whatever strangers write into it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opswarden::domain::incident::{IncidentId, RemediationId, Resolution};
use opswarden::domain::notice::{
    ApprovalLine, Body, Digest, DigestLine, Ended, IncidentLine, Kind, Message, RepairLine,
    Template, Trend,
};
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::domain::view::{OpsState, SystemStatus, ViewControl};
use opswarden::render::notice::{dashboard, mail, slack, webhook};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::judges;
use super::samples::{self, one, shop_down};
use super::texts::{CHARACTERS, text, word};

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const STATUSES: [SystemStatus; 3] =
    [SystemStatus::Healthy, SystemStatus::Degraded, SystemStatus::Critical];
const KINDS: [Kind; 11] = [
    Kind::Opened,
    Kind::Worse,
    Kind::News,
    Kind::Reminder,
    Kind::Unacknowledged,
    Kind::Recovered,
    Kind::Status,
    Kind::Digest,
    Kind::Approval,
    Kind::Dashboard,
    Kind::Test,
];
const ENDS: [Resolution; 6] = [
    Resolution::AutoFixed,
    Resolution::Recovered,
    Resolution::SubjectGone,
    Resolution::CheckDisabled,
    Resolution::Manual,
    Resolution::FalseAlarm,
];

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000).prop_map(|second| Timestamp::from_second(second).expect("a moment"))
}

fn ended() -> impl Strategy<Value = Ended> {
    (moment(), select(&ENDS[..]), text()).prop_map(|(at, resolution, proof)| Ended {
        at,
        resolution,
        proof,
    })
}

fn line() -> impl Strategy<Value = IncidentLine> {
    let names = (any::<u64>(), word(), word(), text(), text());
    let state = (
        select(&SEVERITIES[..]),
        option::of(select(&SEVERITIES[..])),
        moment(),
        option::of(ended()),
    );
    let story = (
        option::of(text()),
        text(),
        any::<bool>(),
        option::of(any::<u64>()),
        option::of(text()),
        any::<u64>(),
    );
    let facts = proptest::collection::btree_map(text(), text(), 0..8);
    (names, state, story, facts).prop_map(|(names, state, story, facts)| IncidentLine {
        id: IncidentId(names.0),
        agent: names.1,
        check: names.2,
        subject: names.3,
        severity: state.0,
        was: state.1,
        message: names.4,
        facts,
        opened_at: state.2,
        ended: state.3,
        tried: story.0,
        why: story.1,
        escalated: story.2,
        alone: story.2,
        undoable: story.3.map(RemediationId),
        acknowledged_by: story.4,
        explains: story.5,
    })
}

/// A few lines, and sometimes hundreds of the same form.
fn lines() -> impl Strategy<Value = Vec<IncidentLine>> {
    let times = prop_oneof![6 => Just(1_u64), 2 => 2..9_u64, 1 => Just(500_u64)];
    (proptest::collection::vec(line(), 0..4), times).prop_map(|(lines, times)| {
        let heavy = |line: &IncidentLine| line.message.len() > 100_000 || line.why.len() > 100_000;
        // Hundreds of megabytes say nothing more than one of them.
        let times = if lines.iter().any(heavy) { times.min(9) } else { times };
        (0..times).flat_map(|_| lines.clone()).collect()
    })
}

fn digest() -> impl Strategy<Value = Digest> {
    let repair = (any::<u64>(), text(), text(), moment(), text()).prop_map(
        |(id, operation, message, at, proof)| RepairLine {
            id: RemediationId(id),
            operation,
            message,
            at,
            proof,
        },
    );
    let agent = (word(), word(), any::<u64>(), any::<u64>())
        .prop_map(|(agent, state, runs, failed)| DigestLine { agent, state, runs, failed });
    let day = (word(), any::<u64>(), 0..9_u64, any::<u64>())
        .prop_map(|(day, opened, repaired, escalated)| Trend { day, opened, repaired, escalated });
    let lists = (
        proptest::collection::vec(text(), 0..12),
        proptest::collection::vec(line(), 0..10),
        proptest::collection::vec(repair, 0..12),
        proptest::collection::vec(line(), 0..10),
        proptest::collection::vec(agent, 0..30),
        proptest::collection::vec(day, 0..40),
    );
    let counts = (any::<u64>(), any::<u64>(), any::<u64>());
    (moment(), moment(), select(&STATUSES[..]), lists, counts).prop_map(
        |(from, until, status, lists, counts)| Digest {
            from,
            until,
            status,
            reasons: lists.0,
            open: lists.1,
            open_omitted: counts.0,
            repaired: lists.2,
            repaired_omitted: counts.1,
            ended: lists.3,
            ended_omitted: counts.2,
            agents: lists.4,
            trend: lists.5,
        },
    )
}

fn approval() -> impl Strategy<Value = ApprovalLine> {
    let texts = (word(), text(), text(), text(), option::of(text()), text());
    (texts, option::of(any::<u64>()), moment()).prop_map(|(texts, incident, expires_at)| {
        ApprovalLine {
            id: texts.0,
            operation: texts.1,
            why: texts.2,
            message: texts.3,
            incident: incident.map(IncidentId),
            not_undoable: texts.4,
            expires_at,
            digest: texts.5,
        }
    })
}

fn view() -> impl Strategy<Value = OpsState> {
    let texts = proptest::collection::vec(text(), 8);
    let counts = (
        prop_oneof![20 => 0..300_usize, 1 => Just(10_000_usize)],
        0..300_usize,
        0..60_usize,
        0..60_usize,
    );
    (texts, counts, select(&STATUSES[..]), any::<u64>()).prop_map(
        |(texts, (incidents, remediations, agents, reasons), status, seq)| {
            // Ten thousand copies of a million characters are too much for a test.
            let most = if incidents > 1_000 { 200 } else { 5_000 };
            let texts: Vec<String> =
                texts.iter().map(|text| text.chars().take(most).collect()).collect();
            let pick = |number: usize| texts[number % texts.len()].clone();
            let word = ["critical", "warning", "info"];
            let shown = |number: usize| {
                let resolved = (number % 3 == 2).then(|| samples::at("2026-11-25T03:11:40Z"));
                let mut one = samples::shown(&format!("INC-{number}"), word[number % 3], resolved);
                (one.message, one.target, one.remediation) =
                    (pick(number), pick(number + 1), pick(number + 2));
                one
            };
            let remediation = |number: usize| {
                let mut one = samples::remediation(number as u64);
                (one.action, one.before, one.proof) =
                    (pick(number), pick(number + 3), Some(pick(number + 4)));
                one
            };
            let agent = |number: usize| {
                let mut one = samples::agent();
                one.counts = (0..number)
                    .map(|count| (format!("{count}{}", pick(count)), u64::MAX))
                    .collect();
                (format!("{number}{}", pick(number)), one)
            };
            let control = |number: usize| ViewControl {
                key: pick(number),
                reason: pick(number + 1),
                set_by: pick(number + 2),
                until: None,
            };
            OpsState {
                ledger_id: pick(0),
                ledger_seq: seq,
                system_status: status,
                reasons: (0..reasons).map(pick).collect(),
                last_run: (0..agents)
                    .map(|number| {
                        (format!("{number}{}", pick(number)), samples::at("2026-11-25T03:11:40Z"))
                    })
                    .collect(),
                incidents: (0..incidents).map(shown).collect(),
                incidents_omitted: seq,
                recent_remediations: (0..remediations).map(remediation).collect(),
                agent_results: (0..agents).map(agent).collect::<BTreeMap<_, _>>(),
                controls: (0..agents).map(control).collect(),
                ..samples::view()
            }
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        6 => (lines(), any::<u64>()).prop_map(|(lines, omitted)| Body::Incidents { lines, omitted }),
        6 => line().prop_map(|line| Body::Incidents { lines: vec![line], omitted: 0 }),
        1 => (option::of(select(&STATUSES[..])), select(&STATUSES[..]), proptest::collection::vec(text(), 0..60))
            .prop_map(|(was, now, reasons)| Body::Status { was, now, reasons }),
        2 => digest().prop_map(|digest| Body::Digest(Box::new(digest))),
        1 => approval().prop_map(|request| Body::Approval(Box::new(request))),
        1 => view().prop_map(|state| Body::Dashboard(Box::new(state))),
        1 => text().prop_map(|by| Body::Test { by }),
    ]
}

/// A drawn value that a failure tells of in no more than a screen.
#[derive(Clone)]
struct Drawn<T>(T);

impl<T: std::fmt::Debug> std::fmt::Debug for Drawn<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told: String = format!("{:?}", self.0).chars().take(4_000).collect();
        f.write_str(&told)
    }
}

fn messages() -> impl Strategy<Value = Message> {
    let runbooks = prop_oneof![
        Just("https://wiki.example.test/runbooks".to_owned()),
        Just(String::new()),
        Just("javascript:alert(1)//".to_owned()),
        text(),
    ];
    let environments = [Environment::Production, Environment::Staging, Environment::Development];
    let head = (
        word(),
        select(&KINDS[..]),
        moment(),
        select(environments.to_vec()),
        text(),
        select(&SEVERITIES[..]),
    );
    (head, word(), any::<bool>(), runbooks, body()).prop_map(
        |(head, thread, may_repeat, runbooks, body)| Message {
            id: head.0,
            kind: head.1,
            at: head.2,
            environment: head.3,
            host: format!("h{}", head.4),
            severity: head.5,
            priority: Priority::of(head.5, head.3),
            thread,
            may_repeat,
            others_open: 0,
            runbooks,
            body,
        },
    )
}

/// The message as every channel shows it.
fn shown(message: &Message) -> Vec<(&'static str, String)> {
    let mail = mail::mail(message);
    let template = |template: Template| {
        (template.as_str(), webhook::body(template, message, "key").to_string())
    };
    let mut all = vec![
        ("text", mail.text),
        ("html", mail.html.replace("&quot;", "\"")),
        ("webhook", slack::webhook(message).to_string()),
        ("post", slack::post(message).to_string()),
    ];
    all.extend(Template::ALL.map(template));
    all.into_iter().map(|(name, text)| (name, text.replace("\\\"", "\""))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn no_receiver_refuses_a_message_and_no_stranger_is_obeyed(message in messages().prop_map(Drawn)) {
        prop_assert_eq!(judges::unfit(&message.0), Vec::<String>::new());
    }

    #[test]
    fn an_alert_says_what_to_do_whatever_strangers_write(line in line().prop_map(Drawn), kind in select(&KINDS[..5])) {
        let line = line.0;
        let line = IncidentLine { ended: None, check: "process_down".to_owned(), ..line };
        let (id, undoable) = (line.id, line.undoable);
        let mut message = one(kind, line);
        message.may_repeat = true;
        for runbooks in ["https://wiki.example.test/runbooks", ""] {
            message.runbooks = runbooks.to_owned();
            let runbook = if runbooks.is_empty() { "opsctl runbook process_down" } else { "https://wiki.example.test/runbooks/process_down.md" };
            let mut wanted = vec![
                runbook.to_owned(),
                format!("opsctl explain {id}"),
                format!("opsctl ack {id}"),
                format!("opsctl silence {id} --until-resolved --reason \"…\""),
            ];
            wanted.extend(undoable.map(|id| format!("opsctl undo {id} --reason \"…\"")));
            for (name, text) in shown(&message) {
                let lacking: Vec<&String> = wanted.iter().filter(|one| !text.contains(*one)).collect();
                prop_assert!(lacking.is_empty(), "{}: {:?} in {}", name, lacking, text);
                let is_told = text.contains("may be a repetition") || text.contains("\"may_repeat\":true");
                prop_assert!(is_told, "{}: {}", name, text);
            }
        }
    }

    #[test]
    fn a_cut_is_between_two_characters(picks in proptest::collection::vec(select(&CHARACTERS[..]), 1..400)) {
        let line = IncidentLine { message: picks.concat(), ..shop_down() };
        let subject = mail::mail(&one(Kind::Opened, line)).subject;
        let rest = subject.strip_prefix("[host-a] Critical: INC-12, ").expect("its beginning");
        let mut left = rest.strip_suffix('…').unwrap_or(rest);
        for pick in &picks {
            if left.is_empty() {
                break;
            }
            left = left.strip_prefix(*pick).unwrap_or_else(|| panic!("{rest:?} cuts {pick:?}"));
        }
        prop_assert_eq!(left, "");
        prop_assert_eq!(rest.ends_with('…'), rest.strip_suffix('…').unwrap_or(rest).len() < picks.concat().len());
    }

    #[test]
    fn a_dashboard_loses_the_least_important_first(state in view().prop_map(Drawn)) {
        let state = state.0;
        let sent: OpsState = serde_json::from_value(dashboard::projection(&state)).expect("a view");
        let active = |all: &OpsState| all.incidents.iter().filter(|one| one.resolved.is_none()).count();
        let (had, has) = (state.incidents.len(), sent.incidents.len());
        prop_assert_eq!(sent.incidents_omitted, state.incidents_omitted.saturating_add((had - has) as u64));
        if active(&sent) < active(&state) {
            prop_assert_eq!(active(&sent), has, "an ended one is sent where an active one is not");
            let worst = |all: &OpsState, severity: &str| all.incidents.iter().filter(|one| one.severity == severity && one.resolved.is_none()).count();
            let lost = worst(&sent, "critical") < worst(&state, "critical");
            prop_assert!(!lost || worst(&sent, "warning") == 0, "a warning is sent where a critical one is not");
        }
        let is_less = had > has || state.recent_remediations.len() > sent.recent_remediations.len();
        let is_said = sent.reasons.last().is_some_and(|last| last.starts_with("left out here, to keep it small: "));
        prop_assert!(!is_less || is_said, "{:?}", sent.reasons.last());
    }
}

#[test]
fn a_storm_is_one_short_message() {
    let message = samples::storm(500);
    for (name, text) in shown(&message) {
        let flat = text.replace('\\', "").replace('\n', " ");
        let is_told = flat.contains("500 incidents open, first INC-100, pm2:worker-0 is errored");
        assert!(is_told, "{name}: {text}");
    }
    let mail = mail::mail(&message);
    assert!(mail.text.contains("The worst 5 of 500; 495 are not listed."), "{}", mail.text);
    assert!(mail.text.lines().count() < 30, "{}", mail.text);
}

#[test]
fn no_health_is_claimed_where_nobody_looked() {
    for end in [Resolution::SubjectGone, Resolution::CheckDisabled] {
        let message = one(Kind::Recovered, samples::over(end, "as the settings say"));
        for (name, text) in shown(&message) {
            let claims = ["is well again", "Well again", "Repaired", "saw that it is well"];
            let claimed = claims.iter().find(|claim| text.contains(**claim));
            assert_eq!(claimed, None, "{name}: {text}");
        }
        assert!(mail::mail(&message).text.contains("not known"));
    }
}
