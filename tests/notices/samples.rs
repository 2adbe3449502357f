//! Messages made by hand, one of every kind and of every end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opswarden::domain::incident::{IncidentId, RemediationId, Resolution};
use opswarden::domain::notice::{
    ApprovalLine, Body, Digest, DigestLine, Ended, IncidentLine, Kind, Message, RepairLine, Trend,
};
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::domain::view::{
    OpsState, SCHEMA_VERSION, SystemStatus, ViewAgent, ViewControl, ViewIncident, ViewRemediation,
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn today(time: &str) -> Timestamp {
    at(&format!("2026-11-25T{time}Z"))
}

/// A message of the host `host-a`, in production.
pub(crate) fn message(kind: Kind, severity: Severity, thread: &str, body: Body) -> Message {
    Message {
        id: "019aa001-7b44-7000-8000-1f2e3d4c5b6a".to_owned(),
        kind,
        at: if kind == Kind::Digest { today("07:00:00") } else { today("03:12:00") },
        environment: Environment::Production,
        host: "host-a".to_owned(),
        severity,
        priority: Priority::of(severity, Environment::Production),
        thread: thread.to_owned(),
        may_repeat: false,
        others_open: 0,
        runbooks: "https://wiki.example.test/runbooks".to_owned(),
        body,
    }
}

/// A process that is down, and that a person is needed for.
pub(crate) fn shop_down() -> IncidentLine {
    IncidentLine {
        id: IncidentId(12),
        agent: "health-guardian".to_owned(),
        check: "process_down".to_owned(),
        subject: "process:pm2:shop".to_owned(),
        severity: Severity::Critical,
        was: None,
        message: "pm2:shop is errored".to_owned(),
        facts: BTreeMap::from([
            ("last exit".to_owned(), "1".to_owned()),
            ("restarts".to_owned(), "17".to_owned()),
        ]),
        opened_at: today("03:00:44"),
        ended: None,
        tried: Some("restart pm2:shop at 03:11:02 UTC: it was errored again after 30 s".to_owned()),
        why: "2 of 2 attempts of this episode are spent, and it is not well".to_owned(),
        escalated: true,
        alone: false,
        undoable: None,
        acknowledged_by: None,
        explains: 1,
    }
}

/// A display that shows nothing, that somebody is on, and whose last act can be taken back.
pub(crate) fn display_blank() -> IncidentLine {
    IncidentLine {
        id: IncidentId(13),
        agent: "fleet-manager".to_owned(),
        check: "display_blank".to_owned(),
        subject: "display:d-7".to_owned(),
        severity: Severity::Warning,
        was: None,
        message: "“Foyer left” plays nothing: its playlist “Autumn” has no active content, and no \
                  schedule applies before Friday"
            .to_owned(),
        facts: BTreeMap::from([("playlist".to_owned(), "Autumn".to_owned())]),
        opened_at: at("2026-11-24T17:30:00Z"),
        ended: None,
        tried: Some("give display:d-7 its group's playlist, verified at 17:40 UTC".to_owned()),
        why: "somebody gave it the empty playlist again: what people set is left alone".to_owned(),
        escalated: false,
        alone: true,
        undoable: Some(RemediationId(5)),
        acknowledged_by: Some("human:night-shift".to_owned()),
        explains: 0,
    }
}

/// The process from before, at its end.
pub(crate) fn over(resolution: Resolution, proof: &str) -> IncidentLine {
    let ended = Ended { at: today("03:11:40"), resolution, proof: proof.to_owned() };
    IncidentLine { ended: Some(ended), escalated: false, why: String::new(), ..shop_down() }
}

pub(crate) fn one(kind: Kind, line: IncidentLine) -> Message {
    let (severity, thread) = (line.severity, line.id.to_string());
    message(kind, severity, &thread, Body::Incidents { lines: vec![line], omitted: 0 })
}

pub(crate) fn storm(count: u64) -> Message {
    let line = |number: u64| IncidentLine {
        id: IncidentId(100 + number),
        message: format!("pm2:worker-{number} is errored"),
        tried: None,
        ..shop_down()
    };
    let lines = (0..count.min(20)).map(line).collect();
    let body = Body::Incidents { lines, omitted: count.saturating_sub(20) };
    message(Kind::Opened, Severity::Critical, "health-guardian", body)
}

fn digest() -> Digest {
    let trend = [(0, 0, 0), (2, 1, 0), (5, 5, 1), (1, 1, 0), (0, 0, 0), (12, 9, 2), (3, 2, 1)];
    let trend = trend.iter().enumerate().map(|(day, (opened, repaired, escalated))| Trend {
        day: format!("2026-11-{}", 18 + day),
        opened: *opened,
        repaired: *repaired,
        escalated: *escalated,
    });
    Digest {
        from: at("2026-11-24T07:00:00Z"),
        until: today("07:00:00"),
        status: SystemStatus::Critical,
        reasons: vec![
            "INC-12 critical: pm2:shop is errored, a person is needed".to_owned(),
            "agent schedule-doctor is late".to_owned(),
        ],
        open: vec![shop_down(), display_blank()],
        open_omitted: 3,
        repaired: vec![RepairLine {
            id: RemediationId(9),
            operation: "restart pm2:mailer".to_owned(),
            message: "pm2:mailer is stopped".to_owned(),
            at: today("01:20:11"),
            proof: "online in two looks, with another process".to_owned(),
        }],
        repaired_omitted: 0,
        ended: vec![over(Resolution::Recovered, "online in two looks")],
        ended_omitted: 0,
        agents: vec![
            DigestLine {
                agent: "health-guardian".to_owned(),
                state: "ok".to_owned(),
                runs: 288,
                failed: 0,
            },
            DigestLine {
                agent: "schedule-doctor".to_owned(),
                state: "late".to_owned(),
                runs: 20,
                failed: 1,
            },
        ],
        trend: trend.collect(),
    }
}

fn quiet_digest() -> Digest {
    Digest {
        status: SystemStatus::Healthy,
        reasons: Vec::new(),
        open: Vec::new(),
        open_omitted: 0,
        repaired: Vec::new(),
        ended: Vec::new(),
        trend: Vec::new(),
        ..digest()
    }
}

fn approval() -> ApprovalLine {
    ApprovalLine {
        id: "APR-3".to_owned(),
        operation: "archive content:c-81".to_owned(),
        why: "a quiet change without an exact inverse is never made without a person".to_owned(),
        message: "“Summer sale.mp4” expired 40 days ago and is in no playlist".to_owned(),
        incident: Some(IncidentId(21)),
        not_undoable: Some("the platform forgets its old expiry".to_owned()),
        expires_at: at("2026-11-26T03:12:00Z"),
        digest: "9f2c41ab".to_owned(),
    }
}

pub(crate) fn view() -> OpsState {
    OpsState {
        schema_version: SCHEMA_VERSION,
        ledger_id: "ledger".to_owned(),
        ledger_seq: 90,
        last_updated: today("03:11:50"),
        valid_until: today("03:16:50"),
        system_status: SystemStatus::Critical,
        reasons: vec!["INC-12 critical: pm2:shop is errored, a person is needed".to_owned()],
        last_run: BTreeMap::from([("health-guardian".to_owned(), today("03:11:50"))]),
        incidents: vec![shown("INC-12", "critical", None)],
        incidents_omitted: 0,
        recent_remediations: vec![remediation(9)],
        agent_results: BTreeMap::from([("health-guardian".to_owned(), agent())]),
        controls: vec![ViewControl {
            key: "pause:fleet-manager".to_owned(),
            reason: "moving disks".to_owned(),
            set_by: "human:night-shift".to_owned(),
            until: Some(today("05:00:00")),
        }],
    }
}

pub(crate) fn agent() -> ViewAgent {
    ViewAgent {
        state: "ok".to_owned(),
        run: Some("019aa001-7b44-7000-8000-1f2e3d4c5b6b".to_owned()),
        started: Some(today("03:11:40")),
        outcome: Some("completed".to_owned()),
        exit: Some(1),
        counts: BTreeMap::from([("found".to_owned(), 1)]),
        next: Some(today("03:15:00")),
    }
}

pub(crate) fn shown(id: &str, severity: &str, resolved: Option<Timestamp>) -> ViewIncident {
    ViewIncident {
        id: id.to_owned(),
        agent: "health-guardian".to_owned(),
        kind: "process_down".to_owned(),
        target: "process:pm2:shop".to_owned(),
        detected: today("03:00:44"),
        remediation: "restart pm2:shop".to_owned(),
        status: if resolved.is_some() { "resolved" } else { "open" }.to_owned(),
        attempts: 2,
        severity: severity.to_owned(),
        message: "pm2:shop is errored".to_owned(),
        resolved,
        resolution: resolved.map(|_| "auto_fixed".to_owned()),
    }
}

pub(crate) fn remediation(number: u64) -> ViewRemediation {
    ViewRemediation {
        id: format!("REM-{number}"),
        incident: Some("INC-12".to_owned()),
        agent: "health-guardian".to_owned(),
        check: "process_down".to_owned(),
        action: "restart pm2:shop".to_owned(),
        target: "process:pm2:shop".to_owned(),
        at: today("03:11:02"),
        took_ms: Some(1200),
        outcome: "verified".to_owned(),
        before: "errored".to_owned(),
        after: Some("online".to_owned()),
        proof: Some("online in two looks, with another process".to_owned()),
    }
}

/// A message that a stranger has written as much of as he could.
fn nasty() -> Message {
    let bad = "<!channel> <@U024BE7LH> @here *bold* _it_ ~no~ `code` ``` <script>alert(1)</script> \
               **md** [x](https://evil.example.test) https://evil.example.test \"quoted\" & \
               \u{202e}drawkcab\u{202c} 🇩🇪👨‍👩‍👧 नमस्ते\r\n> a quote\r\n# a title\0\u{1b}[31m";
    let mut line = shop_down();
    bad.clone_into(&mut line.message);
    bad.clone_into(&mut line.subject);
    bad.clone_into(&mut line.why);
    line.tried = Some(bad.to_owned());
    "x; reboot".clone_into(&mut line.check);
    line.acknowledged_by = Some(bad.to_owned());
    line.facts = BTreeMap::from([(bad.to_owned(), bad.to_owned())]);
    Message { host: bad.to_owned(), ..one(Kind::Opened, line) }
}

/// Every sample by its name.
pub(crate) fn all() -> Vec<(&'static str, Message)> {
    let ends = [
        ("recovered_fixed", Resolution::AutoFixed, "online in two looks, with another process"),
        ("recovered_alone", Resolution::Recovered, "online in two looks"),
        (
            "recovered_gone",
            Resolution::SubjectGone,
            "it is in no list any more, and the list was whole",
        ),
        (
            "recovered_unchecked",
            Resolution::CheckDisabled,
            "the check is switched off in the settings",
        ),
        ("recovered_manual", Resolution::Manual, "by human:night-shift: repaired by hand"),
        ("recovered_false_alarm", Resolution::FalseAlarm, "by human:night-shift: a test of ours"),
    ];
    let ends = ends.map(|(name, end, proof)| (name, one(Kind::Recovered, over(end, proof))));
    alerts().into_iter().chain(ends).chain(others()).collect()
}

fn alerts() -> Vec<(&'static str, Message)> {
    let worse = IncidentLine { was: Some(Severity::Warning), ..shop_down() };
    let few = Body::Incidents { lines: vec![shop_down(), display_blank()], omitted: 0 };
    let repeated = Message {
        may_repeat: true,
        runbooks: String::new(),
        environment: Environment::Staging,
        priority: Priority::P1,
        ..one(Kind::Reminder, shop_down())
    };
    vec![
        ("opened", one(Kind::Opened, shop_down())),
        ("worse", one(Kind::Worse, worse)),
        ("news", one(Kind::News, display_blank())),
        ("reminder_repeated", repeated),
        ("unacknowledged", one(Kind::Unacknowledged, shop_down())),
        ("opened_few", message(Kind::Opened, Severity::Critical, "health-guardian", few)),
        ("opened_storm", storm(500)),
        ("opened_nasty", nasty()),
    ]
}

fn others() -> Vec<(&'static str, Message)> {
    let several = vec![
        over(Resolution::AutoFixed, "online in two looks"),
        over(Resolution::Recovered, "online in two looks"),
    ];
    let several = Body::Incidents { lines: several, omitted: 0 };
    let status = |was, now, reasons: &[&str]| Body::Status {
        was,
        now,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    let ill = status(
        Some(SystemStatus::Healthy),
        SystemStatus::Critical,
        &["INC-12 critical: pm2:shop is errored"],
    );
    let well = status(Some(SystemStatus::Critical), SystemStatus::Healthy, &[]);
    let test = Body::Test { by: "human:night-shift".to_owned() };
    vec![
        (
            "recovered_several",
            message(Kind::Recovered, Severity::Critical, "health-guardian", several),
        ),
        ("status_critical", message(Kind::Status, Severity::Critical, "status", ill)),
        ("status_healthy", message(Kind::Status, Severity::Info, "status", well)),
        (
            "digest",
            message(
                Kind::Digest,
                Severity::Critical,
                "digest-2026-11-25",
                Body::Digest(Box::new(digest())),
            ),
        ),
        (
            "digest_quiet",
            message(
                Kind::Digest,
                Severity::Info,
                "digest-2026-11-25",
                Body::Digest(Box::new(quiet_digest())),
            ),
        ),
        (
            "approval",
            message(
                Kind::Approval,
                Severity::Warning,
                "APR-3",
                Body::Approval(Box::new(approval())),
            ),
        ),
        (
            "dashboard",
            message(
                Kind::Dashboard,
                Severity::Critical,
                "dashboard",
                Body::Dashboard(Box::new(view())),
            ),
        ),
        ("test", message(Kind::Test, Severity::Info, "test", test)),
    ]
}
