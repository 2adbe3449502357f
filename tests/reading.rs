//! The pages that people read, as they stand: snapshots of hand-made values at fixed moments. No line is wider than 80
//! columns, and nothing in a page is obeyed by a terminal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opswarden::domain::approval::{Approval, ApprovalEnd, ApprovalState, Ask, Decided};
use opswarden::domain::event::{Event, NewEvent, RecordedEvent, RemediationOutcome};
use opswarden::domain::gate::{Answer, Door, DoorAnswer};
use opswarden::domain::incident::{
    ApprovalId, Escalated, Incident, IncidentId, Remediation, RemediationId, RemediationState,
    Resolution, Resolved, RunId,
};
use opswarden::domain::operation::{Guard, Inverse, Operation, TargetState};
use opswarden::domain::plan::{Action, Deferral, Plan};
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::proposal::Proposal;
use opswarden::domain::report::{Attempt, Change, ExitClass, OpenIncident, Report};
use opswarden::domain::run::{AgentRun, Decision, Ruling, RunState, Trigger};
use opswarden::domain::severity::{Priority, Severity};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::domain::view::{
    OpsState, SCHEMA_VERSION, SystemStatus, ViewAgent, ViewControl, ViewIncident, ViewRemediation,
};
use opswarden::render::status::Places;
use opswarden::render::style::Style;
use opswarden::render::table::{Fit, Table, WIDTH, display_width};
use opswarden::render::{approvals, history, report, status};

/// What makes a page unfit to read.
fn unfit(page: &str) -> Option<String> {
    let wide = page.lines().find(|line| display_width(line) > WIDTH);
    let obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    wide.map(|line| format!("too wide: {line}"))
        .or_else(|| page.contains(obeyed).then(|| "a terminal would obey it".to_owned()))
        .or_else(|| {
            page.lines().any(|line| line.ends_with(' ')).then(|| "a space at an end".to_owned())
        })
        .or_else(|| (!page.ends_with('\n')).then(|| "the last line has no end".to_owned()))
}

macro_rules! reads {
    ($name:literal, $page:expr) => {
        let page: String = $page;
        assert_eq!(unfit(&page), None, "{page}");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, page);
        });
    };
}

#[test]
fn a_page_that_is_unfit_would_be_noticed() {
    assert!(unfit(&format!("{}\n", "x".repeat(81))).is_some());
    assert!(unfit("日本語\n").is_none() && unfit(&format!("{}\n", "日".repeat(41))).is_some());
    assert!(unfit("red \u{1b}[31m\n").is_some() && unfit("x \n").is_some() && unfit("x").is_some());
}

const NOW: &str = "2026-11-20T12:05:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn today(time: &str) -> Timestamp {
    at(&format!("2026-11-20T{time}Z"))
}

fn key(check: &'static str, kind: SubjectKind, id: &str) -> Key {
    Key::new(AgentName::of("health-guardian"), CheckId::of(check), Subject::new(kind, "web-1", id))
}

fn shop() -> ProcessRef {
    ProcessRef { manager: ManagerKind::Pm2, name: "shop".to_owned(), instance: None }
}

fn shop_down() -> Key {
    key("process_down", SubjectKind::Process, "pm2:shop")
}

fn run() -> RunId {
    RunId("019aa001-7b44-7000-8000-1f2e3d4c5b6a".to_owned())
}

fn reading(status: ProcessStatus, identity: &str) -> TargetState {
    TargetState::Process(ProcessReading {
        process: shop(),
        status,
        identity: Some(identity.to_owned()),
        started_at: None,
        restarts: Some(3),
        last_exit: Some("1".to_owned()),
        memory_bytes: None,
        memory_limit_bytes: None,
        can_reload: false,
        startable: Startable::Plausible { checked: "its script is there".to_owned() },
        log_paths: Vec::new(),
    })
}

fn passed(door: Door, text: &str) -> DoorAnswer {
    DoorAnswer { door, answer: Answer::Passed(text.to_owned()) }
}

fn refused_at_attempts() -> Vec<DoorAnswer> {
    let freeze = "no deployments and no maintenance windows are known yet";
    let why = "a person was called at 2026-11-20 11:35:10 UTC: 2 of 2 attempts are spent and it is not well";
    vec![
        passed(Door::Armed, "no pause applies"),
        passed(Door::Autonomy, "the level is act"),
        DoorAnswer { door: Door::Freeze, answer: Answer::NotApplicable(freeze.to_owned()) },
        passed(Door::Coverage, "listed completely, and seen from manager"),
        passed(Door::BlastRadius, "0 of 3 restarts of this host in this run are used"),
        passed(Door::Owner, "this agent's own finding, held by nobody"),
        DoorAnswer { door: Door::Attempts, answer: Answer::Refused(why.to_owned()) },
    ]
}

fn deferral(key: Key, severity: Severity, message: &str, ruling: Ruling) -> Deferral {
    Deferral { key, severity, message: message.to_owned(), ruling }
}

fn left(why: &str) -> Ruling {
    Ruling::Left { why: why.to_owned() }
}

fn service(id: &str) -> Key {
    key("service_down", SubjectKind::Service, id)
}

fn opened(id: u64, severity: Severity, message: &str) -> (IncidentId, Change) {
    (IncidentId(id), Change::Opened { message: message.to_owned(), severity })
}

fn open(id: u64, key: Key, status: &str, severity: Severity, message: &str) -> OpenIncident {
    OpenIncident {
        id: IncidentId(id),
        key,
        status: status.to_owned(),
        severity,
        message: message.to_owned(),
    }
}

fn quiet() -> Report {
    let counts =
        [("population", 24), ("detected", 0)].map(|(name, count)| (name.to_owned(), count));
    Report {
        run: run(),
        agent: AgentName::of("health-guardian"),
        started_at: today("12:00:00.1"),
        ended_at: today("12:00:00.4"),
        plan: Plan::default(),
        attempts: Vec::new(),
        not_sent: Vec::new(),
        not_applied: Vec::new(),
        changes: Vec::new(),
        open: Vec::new(),
        unknown: BTreeMap::new(),
        partial: BTreeMap::new(),
        counts: BTreeMap::from(counts),
        off: None,
        troubles: Vec::new(),
        tape: None,
        exit: ExitClass::Clean,
    }
}

fn counted(mut report: Report, counts: &[(&str, u64)]) -> Report {
    report.counts.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), *count)));
    report
}

#[test]
fn a_quiet_run_says_that_nothing_is_left_to_do() {
    reads!("report_quiet", report::report(&quiet(), Style::Plain));
    reads!("plan_quiet", report::plan(&quiet(), Style::Plain));
}

#[test]
fn a_run_that_repaired_says_what_and_what_proves_it() {
    let proof =
        "healthy in 2 looks from 12:00:42 to 12:00:44 UTC; the target is online, 4607@611439";
    let follows = |id: &str| {
        deferral(
            service(id),
            Severity::Critical,
            &format!("{id} is down"),
            Ruling::Folded { into: shop_down() },
        )
    };
    let resolved = Change::Resolved {
        resolution: Resolution::AutoFixed,
        proof: "REM-3 verified: healthy in 2 looks in a row up to 12:00:44 UTC, seen from manager"
            .to_owned(),
    };
    let fixed = Report {
        changes: vec![
            opened(7, Severity::Critical, "pm2:shop is errored"),
            (IncidentId(7), resolved),
        ],
        attempts: vec![Attempt {
            remediation: RemediationId(3),
            key: shop_down(),
            operation: "restart pm2:shop".to_owned(),
            state: "verified".to_owned(),
            observed: proof.to_owned(),
            before: "errored, no identity".to_owned(),
            after: Some("online, 4607@611439".to_owned()),
            from_earlier_run: false,
        }],
        plan: Plan {
            asks: Vec::new(),
            actions: Vec::new(),
            deferrals: ["shop", "shop.page", "a", "b", "c"].map(follows).into(),
        },
        ..counted(quiet(), &[("detected", 6), ("acted", 1), ("verified", 1), ("deferred", 5)])
    };
    reads!("report_fixed", report::report(&fixed, Style::Plain));
}

#[test]
fn a_run_that_refused_says_at_which_door_and_tells_each_fault_once() {
    let down = "api is down: status 503 instead of 200 (http://127.0.0.1:3000/health)";
    let alert = "alert only: no process is named for it; set `process` to let it be restarted";
    let refused = Report {
        changes: vec![opened(9, Severity::Critical, down)],
        open: vec![
            open(9, service("api"), "open", Severity::Critical, down),
            open(7, shop_down(), "escalated", Severity::Critical, "pm2:shop is errored"),
        ],
        plan: Plan {
            asks: Vec::new(),
            actions: Vec::new(),
            deferrals: vec![
                deferral(service("api"), Severity::Critical, down, left(alert)),
                deferral(
                    shop_down(),
                    Severity::Critical,
                    "pm2:shop is errored",
                    Ruling::Refused { doors: refused_at_attempts() },
                ),
                deferral(
                    key("host_cpu", SubjectKind::Host, "machine"),
                    Severity::Warning,
                    "the machine's processor time is used above 95 %",
                    Ruling::NotRipe { why: "1 of 2 agreeing looks so far".to_owned() },
                ),
            ],
        },
        unknown: BTreeMap::from([(
            "service_down".to_owned(),
            "service:web: it answered 429: a limiter speaks, not the service".to_owned(),
        )]),
        exit: ExitClass::Incomplete,
        ..counted(quiet(), &[("detected", 3), ("deferred", 3), ("refused", 1), ("unknown", 1)])
    };
    reads!("report_refused", report::report(&refused, Style::Plain));
}

#[test]
fn a_run_that_gave_up_or_could_not_record_says_so() {
    let reason = "2 of 2 attempts are spent and it is not well";
    let escalated = Report {
        changes: vec![(IncidentId(7), Change::Escalated { reason: reason.to_owned() })],
        open: vec![open(7, shop_down(), "escalated", Severity::Critical, "pm2:shop is errored")],
        attempts: vec![Attempt {
            remediation: RemediationId(4),
            key: shop_down(),
            operation: "restart pm2:shop".to_owned(),
            state: "failed".to_owned(),
            observed: "the operation took effect and pm2:shop is errored; the target is errored, no identity"
                .to_owned(),
            before: "errored, no identity".to_owned(),
            after: Some("errored, no identity".to_owned()),
            from_earlier_run: true,
        }],
        exit: ExitClass::Findings,
        ..counted(quiet(), &[("detected", 1), ("failed", 1)])
    };
    reads!("report_escalated", report::report(&escalated, Style::Plain));
    let blind = Report {
        off: None,
        troubles: vec!["failed to write the ledger: the disk is full".to_owned()],
        unknown: BTreeMap::from([(
            "process_down".to_owned(),
            "process:pm2:shop: /home/shop/.pm2/rpc.sock does not exist: no PM2 daemon runs there"
                .to_owned(),
        )]),
        exit: ExitClass::Incomplete,
        ..counted(quiet(), &[("unknown", 3)])
    };
    reads!("report_blind", report::report(&blind, Style::Plain));
}

#[test]
fn a_plan_shows_every_door() {
    let mut doors = refused_at_attempts();
    doors.pop();
    doors.push(passed(Door::Attempts, "attempt 1 of 2 in this episode"));
    let planned = Report {
        changes: vec![opened(7, Severity::Critical, "pm2:shop is errored")],
        plan: Plan {
            asks: Vec::new(),
            actions: vec![Action {
                key: shop_down(),
                incident: Some(IncidentId(7)),
                message: "pm2:shop is errored".to_owned(),
                operation: Operation::RestartProcess(shop()),
                guard: Guard::SameProcess {
                    status: [ProcessStatus::Errored].into(),
                    identity: None,
                },
                facts: BTreeMap::new(),
                not_undoable: None,
                why: "it is errored, and its manager does not start it again".to_owned(),
                attempt: 1,
                doors,
            }],
            deferrals: Vec::new(),
        },
        exit: ExitClass::Findings,
        ..counted(quiet(), &[("detected", 1)])
    };
    reads!("plan", report::plan(&planned, Style::Plain));
}

#[test]
fn what_a_service_says_cannot_break_a_page() {
    let nasty = format!(
        "shop 🛒 is down: /status is \"\u{1b}[2J\u{202e}{} 日本語のとても長い名前のサービス 💥💥💥\" instead of ok\r\n",
        "so-long-a-word-that-no-line-can-hold-it-".repeat(4)
    );
    let broken = Report {
        changes: vec![opened(1, Severity::Critical, &nasty)],
        exit: ExitClass::Findings,
        ..counted(quiet(), &[("detected", 1)])
    };
    reads!("report_nasty", report::report(&broken, Style::Plain));
    let mut table = Table::new(&[("id", Fit::Cut), ("what", Fit::Wrap), ("cut", Fit::Cut)]);
    table.row(["INC-1", nasty.as_str(), nasty.as_str()]);
    reads!("table_nasty", table.render(WIDTH));
}

fn incident() -> Incident {
    Incident {
        id: IncidentId(7),
        key: shop_down(),
        severity: Severity::Critical,
        message: "pm2:shop is errored".to_owned(),
        facts: BTreeMap::from([("status".to_owned(), "errored".to_owned())]),
        opened_at: at("2026-11-19T23:55:02Z"),
        relapse_of: Some(IncidentId(5)),
        attempts: 2,
        last_attempt_at: Some(today("00:06:11")),
        last_operation: Some("restart pm2:shop".to_owned()),
        escalated: Some(Escalated {
            at: today("00:06:44"),
            reason: "2 of 2 attempts are spent and it is not well".to_owned(),
        }),
        acknowledged: None,
        resolved: None,
    }
}

fn remediation() -> Remediation {
    Remediation {
        id: RemediationId(4),
        key: shop_down(),
        incident: Some(IncidentId(7)),
        run: run(),
        operation: Operation::RestartProcess(shop()),
        reason: "it is errored, and its manager does not start it again".to_owned(),
        attempt: 2,
        state: RemediationState::Failed,
        before: reading(ProcessStatus::Errored, "81@100"),
        after: Some(reading(ProcessStatus::Errored, "97@200")),
        inverse: Inverse::None {
            why: "a process that was replaced cannot be brought back".to_owned(),
        },
        intended_at: today("00:06:11"),
        acted_at: Some(today("00:06:12")),
        verify_at: Some(today("00:06:42")),
        finished_at: Some(today("00:06:44")),
        outcome: Some(
            "the operation took effect and pm2:shop is errored; the target is errored, 97@200"
                .to_owned(),
        ),
        evidence: vec!["/var/lib/opswarden/state/evidence/INC-7/pm2_shop".to_owned()],
        undo_of: None,
        approval: None,
        undone: None,
    }
}

fn event(seq: u64, at: Timestamp, event: Event) -> RecordedEvent {
    let new = NewEvent { at, actor: "agent:health-guardian".to_owned(), run: Some(run()), event };
    RecordedEvent { seq, id: format!("event-{seq}"), new }
}

fn life() -> Vec<RecordedEvent> {
    let found = incident();
    let done = remediation();
    vec![
        event(
            1,
            at("2026-11-19T23:55:04Z"),
            Event::IncidentOpened {
                incident: found.id,
                key: found.key.clone(),
                severity: found.severity,
                priority: Priority::P0,
                message: found.message,
                facts: found.facts,
                runbook: "process_down".to_owned(),
                opened_at: found.opened_at,
                relapse_of: found.relapse_of,
                attempts: 1,
                last_attempt_at: None,
            },
        ),
        event(
            2,
            today("00:06:11"),
            Event::RecoveryAttempted {
                remediation: done.id,
                incident: done.incident,
                key: done.key,
                operation: done.operation,
                reason: done.reason,
                attempt: done.attempt,
                before: done.before,
                inverse: done.inverse,
                evidence: done.evidence,
                undo_of: None,
                approval: None,
            },
        ),
        event(
            3,
            today("00:06:12"),
            Event::RemediationActed {
                remediation: done.id,
                result: "its restart command ended well: ".to_owned(),
                verify_at: today("00:06:42"),
            },
        ),
        event(
            4,
            today("00:06:44"),
            Event::RemediationCompleted {
                remediation: done.id,
                incident: done.incident,
                outcome: RemediationOutcome::Failed,
                observed: "the operation took effect and pm2:shop is errored".to_owned(),
                after: done.after,
            },
        ),
        event(
            5,
            today("00:06:44"),
            Event::Escalation {
                incident: IncidentId(7),
                reason: "2 of 2 attempts are spent and it is not well".to_owned(),
                attempts: 2,
            },
        ),
    ]
}

#[test]
fn an_incident_is_told_with_its_whole_life() {
    let now = at(NOW);
    reads!(
        "incident",
        history::incident(&incident(), &[remediation()], &life(), now, Style::Plain)
    );
    let ended = Incident {
        id: IncidentId(8),
        message: "api is down: no answer within 10s (http://127.0.0.1:3000/api/v1/health/ready)"
            .to_owned(),
        escalated: None,
        acknowledged: None,
        relapse_of: None,
        resolved: Some(Resolved {
            at: today("11:00:00"),
            resolution: Resolution::Recovered,
            proof: "healthy in 2 looks in a row up to 10:59:59 UTC, seen from loopback".to_owned(),
        }),
        ..incident()
    };
    reads!("incident_ended", history::incident(&ended, &[], &[], now, Style::Plain));
    reads!("incidents", history::incidents(&[incident(), ended], now));
    reads!("incidents_none", history::incidents(&[], now));
    reads!("remediations", history::remediations(&[remediation()], now, Style::Plain));
}

fn asked(number: u64, state: ApprovalState) -> Approval {
    let proposal = Proposal {
        key: shop_down(),
        operation: Operation::RestartProcess(shop()),
        guard: Guard::SameProcess {
            status: BTreeSet::from([ProcessStatus::Errored]),
            identity: None,
        },
        facts: BTreeMap::from([("status".to_owned(), "errored".to_owned())]),
    };
    let decided = Decided {
        by: "human:ada".to_owned(),
        at: today("11:58:00"),
        reason: "it is a quiet hour, and the database is well".to_owned(),
    };
    let answered = matches!(state, ApprovalState::Granted | ApprovalState::Denied);
    let ended = ApprovalEnd {
        at: today("11:59:00"),
        why: "it has changed since: status: errored → stopped".to_owned(),
    };
    Approval {
        id: ApprovalId(number),
        digest: proposal.digest(),
        ask: Ask {
            proposal,
            incident: Some(IncidentId(7)),
            message: "pm2:shop is errored".to_owned(),
            why: "it is errored, and its manager does not start it again".to_owned(),
            not_undoable: Some("a process that was replaced cannot be brought back".to_owned()),
        },
        requested_at: today("11:50:00"),
        requested_by: Some(run()),
        expires_at: at("2026-11-21T11:50:00Z"),
        state,
        decided: answered.then_some(decided),
        ended: (state == ApprovalState::Withdrawn).then_some(ended),
        used_by: None,
    }
}

#[test]
fn requests_tell_what_is_wanted_why_and_until_when() {
    use ApprovalState::{Denied, Granted, Pending, Withdrawn};
    let all = [(4, Pending), (3, Granted), (2, Withdrawn), (1, Denied)];
    let all = all.map(|(number, state)| asked(number, state));
    reads!("approvals", approvals::list(&all, at(NOW), Style::Plain));
    reads!("approvals_none", approvals::list(&[], at(NOW), Style::Plain));
}

fn decision(time: &str, ruling: Ruling) -> Decision {
    Decision { key: shop_down(), run: run(), at: today(time), ruling }
}

#[test]
fn an_explanation_names_the_doors_and_what_was_ruled_before() {
    let now = at(NOW);
    let ruled = [
        decision("00:10:01", Ruling::Refused { doors: refused_at_attempts() }),
        decision(
            "00:06:44",
            Ruling::Acted { operation: "REM-4: restart pm2:shop".to_owned(), doors: Vec::new() },
        ),
        decision("00:00:03", Ruling::NotRipe { why: "1 of 2 agreeing looks so far".to_owned() }),
    ];
    let explain = |incident: Option<&Incident>, ruled: &[Decision], why_not| {
        history::explanation(incident, &[], ruled, why_not, now, Style::Plain)
    };
    reads!("explain_why_not", explain(Some(&incident()), &ruled, true));
    let nine = Door::ALL.into_iter().filter(|door| *door != Door::Guard);
    let doors = nine.map(|door| passed(door, "it lets pass")).collect();
    let acted = Ruling::Acted { operation: "REM-4: restart pm2:shop".to_owned(), doors };
    reads!("explain_acted", explain(None, &[decision("00:06:44", acted)], true));
    reads!("explain", explain(Some(&incident()), &ruled, false));
    let folded = Ruling::Folded { into: service("database") };
    reads!("explain_folded", explain(None, &[decision("12:00:03", folded)], true));
    reads!("explain_nothing", explain(None, &[], true));
}

#[test]
fn runs_fit_a_screen() {
    let a_run = |state: RunState, exit: Option<i32>, minutes: i64| AgentRun {
        id: run(),
        agent: AgentName::of("health-guardian"),
        trigger: Trigger::Timer,
        scope: "web-1".to_owned(),
        epoch: 0,
        slot: None,
        slot_until: None,
        slots: None,
        why: None,
        plan_only: false,
        attempt: 1,
        token: None,
        owner: "web-1:4242".to_owned(),
        lease_until: None,
        started_at: at(NOW) - jiff::SignedDuration::from_mins(minutes),
        ended_at: exit.map(|_| at(NOW)),
        late_ms: None,
        exit,
        usage: BTreeMap::from([("wall_ms".to_owned(), 31_900), ("cpu_ms".to_owned(), 61)]),
        counts: BTreeMap::from([("detected".to_owned(), 1)]),
        unknown: BTreeMap::new(),
        state,
    };
    let runs = [
        a_run(RunState::Running, None, 0),
        a_run(RunState::Findings, Some(1), 5),
        a_run(RunState::Interrupted, Some(2), 10),
        a_run(RunState::Ok, Some(0), 3_000),
    ];
    reads!("runs", history::runs(&runs, at(NOW)));
    reads!("runs_none", history::runs(&[], at(NOW)));
}

fn agent(state: &str, outcome: &str) -> ViewAgent {
    ViewAgent {
        state: state.to_owned(),
        run: Some(run().0),
        started: Some(today("12:00:00")),
        outcome: Some(outcome.to_owned()),
        exit: Some(0),
        counts: BTreeMap::new(),
        next: Some(today("12:10:00")),
    }
}

fn state(system_status: SystemStatus) -> OpsState {
    OpsState {
        schema_version: SCHEMA_VERSION,
        ledger_id: "ledger".to_owned(),
        ledger_seq: 9,
        last_updated: today("12:00:02"),
        valid_until: today("12:06:00"),
        system_status,
        reasons: Vec::new(),
        last_run: BTreeMap::new(),
        incidents: Vec::new(),
        incidents_omitted: 0,
        recent_remediations: Vec::new(),
        agent_results: BTreeMap::from([("health-guardian".to_owned(), agent("ok", "ok"))]),
        controls: Vec::new(),
    }
}

fn places() -> Places {
    Places {
        settings: "/etc/opswarden/agents.toml".to_owned(),
        state: "/var/lib/opswarden".to_owned(),
        logs: "/var/log/opswarden".to_owned(),
    }
}

fn critical() -> OpsState {
    let shown = ViewIncident {
        id: "INC-7".to_owned(),
        agent: "health-guardian".to_owned(),
        kind: "process_down".to_owned(),
        target: "process:pm2:shop".to_owned(),
        detected: at("2026-11-19T23:55:02Z"),
        remediation: "restart pm2:shop".to_owned(),
        status: "escalated".to_owned(),
        attempts: 2,
        severity: "critical".to_owned(),
        message: "pm2:shop is errored".to_owned(),
        resolved: None,
        resolution: None,
    };
    let ended =
        ViewIncident { id: "INC-6".to_owned(), status: "resolved".to_owned(), ..shown.clone() };
    OpsState {
        reasons: vec!["INC-7 critical: pm2:shop is errored, a person is needed".to_owned()],
        incidents: vec![shown, ended],
        recent_remediations: vec![ViewRemediation {
            id: "REM-4".to_owned(),
            incident: Some("INC-7".to_owned()),
            agent: "health-guardian".to_owned(),
            check: "process_down".to_owned(),
            action: "restart pm2:shop".to_owned(),
            target: "process:pm2:shop".to_owned(),
            at: today("00:06:11"),
            took_ms: Some(1200),
            outcome: "failed".to_owned(),
            before: "errored, 81@100".to_owned(),
            after: None,
            proof: None,
        }],
        ..state(SystemStatus::Critical)
    }
}

#[test]
fn the_state_fits_one_screen_whatever_it_is() {
    let show = |state: &OpsState, note: Option<&str>, now: &str| {
        let notes: Vec<String> = note.map(str::to_owned).into_iter().collect();
        status::status(&places(), &notes, state, &[], at(now), Style::Plain)
    };
    reads!("status_healthy", show(&state(SystemStatus::Healthy), None, NOW));
    let degraded = OpsState {
        reasons: vec![
            "agent health-guardian is failing, its last run started 2026-11-20T12:00:00Z"
                .to_owned(),
            "agent health-guardian could not judge process_down: process:pm2:shop: no daemon runs"
                .to_owned(),
        ],
        agent_results: BTreeMap::from([
            ("health-guardian".to_owned(), agent("failing", "timed_out")),
            (
                "schedule-validator".to_owned(),
                ViewAgent { started: None, outcome: None, ..agent("never_run", "") },
            ),
        ]),
        controls: vec![
            ViewControl {
                key: "pause:health-guardian".to_owned(),
                reason: "moving disks".to_owned(),
                set_by: "human:root".to_owned(),
                until: Some(today("13:00:00")),
            },
            ViewControl {
                key: "propose_only".to_owned(),
                reason: "the ledger was lost; run `opsctl resume all --reason …` after a look"
                    .to_owned(),
                set_by: "ledger:rescue".to_owned(),
                until: None,
            },
        ],
        ..state(SystemStatus::Degraded)
    };
    reads!("status_degraded", show(&degraded, None, NOW));
    let critical = critical();
    reads!("status_critical", show(&critical, None, NOW));
    let note = "the ledger cannot be read (permission denied); this is the published view";
    reads!("status_stale", show(&critical, Some(note), "2026-11-20T14:00:00Z"));
    reads!("status_nothing_yet", status::nothing_yet(&places(), Style::Plain));
}
