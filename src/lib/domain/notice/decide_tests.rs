//! When a route hears of an incident, line by line.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::incident::{
    Acknowledged, Control, Escalated, Incident, IncidentId, Resolution, Resolved,
};
use crate::domain::notice::fixtures::incident;
use crate::domain::severity::{Environment, Severity};
use crate::domain::subject::Key;

/// A Friday.
fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    noon().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn route() -> Route {
    let name = |text: &str| text.to_owned();
    Route { name: name("team"), channel: name("slack"), digest: true, ..Route::default() }
}

/// What was told, and so many minutes after noon.
fn told(tellings: &[(Kind, &Incident, i64)]) -> Heard {
    let rows: Vec<Notification> = tellings
        .iter()
        .enumerate()
        .map(|(place, (kind, incident, minutes))| Notification {
            id: format!("{place}"),
            ..fixtures::sent(
                About::Incident(incident.id),
                *kind,
                facts_of(incident),
                after(*minutes),
            )
        })
        .collect();
    Heard::of(&rows)
}

struct Asked {
    incident: Incident,
    route: Route,
    heard: Heard,
    before: Option<Heard>,
    silence: Option<Control>,
    explained_by: Option<Key>,
    rules: Rules,
}

fn asked(severity: Severity) -> Asked {
    Asked {
        incident: incident(severity),
        route: route(),
        heard: Heard::default(),
        before: None,
        silence: None,
        explained_by: None,
        rules: fixtures::rules(),
    }
}

impl Asked {
    fn heard(mut self, tellings: &[(Kind, &Incident, i64)]) -> Self {
        self.heard = told(tellings);
        self
    }

    fn at(&self, minutes: i64) -> Decision {
        decide(&Case {
            incident: &self.incident,
            route: &self.route,
            heard: &self.heard,
            heard_before: self.before.as_ref(),
            silence: self
                .silence
                .as_ref()
                .filter(|one| silences(one, &self.incident, after(minutes))),
            explained_by: self.explained_by.as_ref(),
            rules: &self.rules,
            now: after(minutes),
        })
    }

    /// The kind that is told, at once or in the digest.
    fn kind(&self, minutes: i64) -> Option<Kind> {
        match self.at(minutes) {
            Decision::Tell { kind, .. } => Some(kind),
            Decision::Nothing { .. } => None,
        }
    }

    /// When it is asked anew, in minutes after noon.
    fn until(&self, minutes: i64) -> Option<i64> {
        match self.at(minutes) {
            Decision::Nothing { until, .. } => until.map(|at| at.duration_since(noon()).as_mins()),
            told @ Decision::Tell { .. } => panic!("{told:?}"),
        }
    }

    /// Whether the route is kept from it, so that it says nothing of the status either.
    fn is_held_back(&self, minutes: i64) -> bool {
        matches!(self.at(minutes), Decision::Nothing { held_back: true, .. })
    }
}

fn silence(facts: &[(&str, &str)], minutes: Option<i64>) -> Control {
    let fact = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Control {
        key: "silence:INC-1".to_owned(),
        on: true,
        reason: "known".to_owned(),
        set_by: "human:ada".to_owned(),
        set_at: noon(),
        expires_at: minutes.map(after),
        facts: facts.iter().map(fact).collect(),
    }
}

#[test]
fn what_is_urgent_leaves_at_once_the_rest_in_batches_and_what_is_not_with_the_digest() {
    let left = |environment, severity| {
        let mut case = asked(severity);
        case.rules.environment = environment;
        case.route.severity = Severity::Info;
        match case.at(1) {
            Decision::Tell { kind: Kind::Opened, not_before, for_digest, .. } => {
                (not_before.duration_since(noon()).as_mins(), for_digest)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(left(Environment::Production, Severity::Critical), (1, false));
    assert_eq!(left(Environment::Production, Severity::Warning), (1, false));
    assert_eq!(left(Environment::Staging, Severity::Critical), (1, false));
    assert_eq!(left(Environment::Staging, Severity::Warning), (15, false));
    assert_eq!(left(Environment::Development, Severity::Critical), (15, false));
    assert_eq!(left(Environment::Production, Severity::Info), (1, true));
    assert_eq!(left(Environment::Development, Severity::Warning), (1, true));
}

#[test]
fn what_is_of_low_urgency_is_told_by_nobody_where_there_is_no_digest() {
    let mut case = asked(Severity::Info);
    case.route.severity = Severity::Info;
    case.route.digest = false;
    assert_eq!(case.kind(0), None);
}

#[test]
fn no_second_alert_within_the_hour_unless_it_is_worse() {
    let warning = incident(Severity::Warning);
    let told = [(Kind::Opened, &warning, 0)];
    let case = asked(Severity::Warning).heard(&told);
    assert_eq!((case.kind(59), case.until(59)), (None, Some(240)));
    let worse = asked(Severity::Critical).heard(&told);
    assert_eq!(worse.kind(1), Some(Kind::Worse));
    let mut news = asked(Severity::Warning).heard(&told);
    news.incident.facts.insert("why".to_owned(), "timeout".to_owned());
    assert_eq!((news.kind(59), news.until(59)), (None, Some(60)));
    assert_eq!(news.kind(60), Some(Kind::News));
    let mut called = asked(Severity::Warning).heard(&told);
    called.incident.escalated = Some(Escalated { at: after(2), reason: "spent".to_owned() });
    assert_eq!((called.kind(59), called.kind(60)), (None, Some(Kind::News)));
    let critical = incident(Severity::Critical);
    let better = asked(Severity::Warning).heard(&[(Kind::Opened, &critical, 0)]);
    assert_eq!((better.kind(59), better.kind(60)), (None, Some(Kind::News)));
}

#[test]
fn reminders_come_by_severity_and_more_and_more_rarely() {
    let critical = incident(Severity::Critical);
    let once = asked(Severity::Critical).heard(&[(Kind::Opened, &critical, 0)]);
    assert_eq!((once.kind(59), once.kind(60)), (None, Some(Kind::Reminder)));
    let twice = asked(Severity::Critical)
        .heard(&[(Kind::Opened, &critical, 0), (Kind::Reminder, &critical, 60)]);
    assert_eq!((twice.kind(179), twice.kind(180)), (None, Some(Kind::Reminder)));
    let info = incident(Severity::Info);
    let mut quiet = asked(Severity::Info).heard(&[(Kind::Opened, &info, 0)]);
    quiet.route.severity = Severity::Info;
    assert_eq!((quiet.kind(100_000), quiet.until(100_000)), (None, None));
}

#[test]
fn whoever_was_told_of_it_is_told_of_its_end_whatever_stands_against_alerts() {
    let warning = incident(Severity::Warning);
    let mut case = asked(Severity::Warning).heard(&[(Kind::Opened, &warning, 0)]);
    case.incident.resolved = Some(Resolved {
        at: after(5),
        resolution: Resolution::Recovered,
        proof: "2 looks".to_owned(),
    });
    case.silence = Some(silence(&[], None));
    case.route.severity = Severity::Critical;
    case.route.quiet = vec![Window {
        from: "00:00".parse().unwrap(),
        to: "23:59".parse().unwrap(),
        ..Window::default()
    }];
    assert_eq!(case.kind(6), Some(Kind::Recovered));
    case.heard = told(&[(Kind::Opened, &warning, 0), (Kind::Recovered, &warning, 6)]);
    assert_eq!(case.kind(7), None, "once");
    case.heard = Heard::default();
    assert_eq!(case.kind(6), None, "nobody was told that it had begun");
}

#[test]
fn a_silence_lasts_as_long_as_it_was_said_and_a_recovery_breaks_it() {
    let mut case = asked(Severity::Warning);
    case.silence = Some(silence(&[], Some(30)));
    assert_eq!((case.kind(29), case.until(29)), (None, Some(30)));
    assert_eq!(case.kind(30), Some(Kind::Opened));
    case.silence = Some(silence(&[("worse_than", "warning")], None));
    assert_eq!((case.kind(500), case.until(500)), (None, None));
    case.incident.severity = Severity::Critical;
    assert_eq!(case.kind(1), Some(Kind::Opened));
}

#[test]
fn who_took_it_up_hears_no_more_until_it_is_worse() {
    let warning = incident(Severity::Warning);
    let mut case = asked(Severity::Warning).heard(&[(Kind::Opened, &warning, 0)]);
    case.incident.acknowledged = Some(Acknowledged {
        at: after(1),
        by: "human:ada".to_owned(),
        reason: "looking".to_owned(),
        severity: Severity::Warning,
    });
    assert_eq!(case.kind(1000), None);
    case.incident.facts.clear();
    assert_eq!(case.kind(1000), None, "nor of news");
    let reason = "3 attempts failed".to_owned();
    case.incident.escalated = Some(Escalated { at: after(2), reason });
    assert_eq!(case.kind(61), Some(Kind::News), "nobody else repairs it now");
    case.incident.escalated = None;
    case.incident.severity = Severity::Critical;
    assert_eq!(case.kind(2), Some(Kind::Worse));
}

#[test]
fn the_next_step_is_called_when_nobody_took_it_up_in_time() {
    let clocks = |clocks, severity| {
        let mut case = asked(severity);
        case.rules.clocks = clocks;
        case.route.unacknowledged = true;
        match case.at(0) {
            Decision::Nothing { until, .. } => until.unwrap().duration_since(noon()).as_mins(),
            Decision::Tell { kind, .. } => {
                assert_eq!(kind, Kind::Unacknowledged);
                0
            }
        }
    };
    assert_eq!(clocks(Clocks::Standard, Severity::Critical), 15);
    assert_eq!(clocks(Clocks::Standard, Severity::Warning), 60);
    assert_eq!(clocks(Clocks::Strict, Severity::Critical), 0);
    assert_eq!(clocks(Clocks::Strict, Severity::Warning), 15);
    let step = |clocks, step| {
        let mut case = asked(Severity::Critical);
        (case.rules.clocks, case.route.step, case.route.unacknowledged) = (clocks, step, true);
        case.until(0)
    };
    assert_eq!([1, 2, 3].map(|n| step(Clocks::Standard, n)), [15, 30, 45].map(Some));
    assert_eq!([2, 3].map(|n| step(Clocks::Strict, n)), [15, 30].map(Some));
    let mut taken = asked(Severity::Critical);
    taken.route.unacknowledged = true;
    taken.incident.acknowledged = Some(Acknowledged {
        at: after(1),
        by: "human:ada".to_owned(),
        reason: "looking".to_owned(),
        severity: Severity::Critical,
    });
    assert_eq!((taken.kind(1000), taken.until(1000)), (None, None));
}

#[test]
fn quiet_hours_and_planned_work_put_off_and_quiet_hours_let_the_critical_through() {
    let window = |agents: &[&str]| Window {
        from: "11:00".parse().unwrap(),
        to: "13:00".parse().unwrap(),
        agents: agents.iter().map(|agent| (*agent).to_owned()).collect(),
        ..Window::default()
    };
    let quiet = |severity| {
        let mut case = asked(severity);
        case.route.quiet = vec![window(&[])];
        case
    };
    assert_eq!(
        (quiet(Severity::Warning).kind(0), quiet(Severity::Warning).until(0)),
        (None, Some(60))
    );
    assert_eq!(quiet(Severity::Warning).kind(60), Some(Kind::Opened));
    assert_eq!(quiet(Severity::Critical).kind(0), Some(Kind::Opened));
    assert!(quiet(Severity::Warning).is_held_back(0));
    let warning = incident(Severity::Warning);
    let known = quiet(Severity::Warning).heard(&[(Kind::Opened, &warning, -300)]);
    assert!(known.kind(0).is_none() && !known.is_held_back(0), "it knows of it");
    let mut work = asked(Severity::Critical);
    work.rules.maintenance = vec![window(&["health-guardian"])];
    assert_eq!((work.kind(0), work.until(0)), (None, Some(60)));
    work.rules.maintenance = vec![window(&["fleet-manager"])];
    assert_eq!(work.kind(0), Some(Kind::Opened));
}

#[test]
fn what_another_finding_explains_is_not_told_beside_it() {
    let mut case = asked(Severity::Critical);
    case.explained_by =
        Some("health-guardian/process_down/process:host-a/pm2:web".parse().unwrap());
    assert_eq!(case.kind(0), None);
}

#[test]
fn a_relapse_within_the_hour_is_the_same_trouble() {
    let warning = incident(Severity::Warning);
    let mut case = asked(Severity::Warning);
    case.incident.relapse_of = Some(IncidentId(7));
    case.before = Some(told(&[(Kind::Opened, &warning, -30), (Kind::Recovered, &warning, -10)]));
    assert_eq!((case.kind(0), case.until(0)), (None, Some(30)));
    assert_eq!(case.kind(30), Some(Kind::Opened));
    case.incident.severity = Severity::Critical;
    assert_eq!(case.kind(0), Some(Kind::Opened));
    case.incident.severity = Severity::Warning;
    case.incident.escalated = Some(Escalated { at: noon(), reason: "flapping".to_owned() });
    assert_eq!(case.kind(0), Some(Kind::Opened), "it came back, and now a person is needed");
}

#[test]
fn what_comes_and_goes_is_told_when_it_stays_or_as_rarely_as_what_stays() {
    let critical = incident(Severity::Critical);
    let once = [(Kind::Opened, &critical, -50), (Kind::Recovered, &critical, -40)];
    let often = [
        (Kind::Opened, &critical, -130),
        (Kind::Recovered, &critical, -120),
        (Kind::Opened, &critical, -70),
        (Kind::Recovered, &critical, -60),
    ];
    let mut case = asked(Severity::Critical);
    case.incident.relapse_of = Some(IncidentId(7));
    case.before = Some(told(&once));
    assert_eq!((case.kind(9), case.until(9), case.kind(10)), (None, Some(10), Some(Kind::Opened)));
    // Told twice, it would be reminded of after two hours; it has stayed for half an hour before that.
    case.before = Some(told(&often));
    assert_eq!(
        (case.kind(29), case.until(29), case.kind(30)),
        (None, Some(30), Some(Kind::Opened))
    );
    case.incident.opened_at = after(25);
    assert_eq!((case.until(49), case.kind(50)), (Some(50), Some(Kind::Opened)));
    let warning = incident(Severity::Warning);
    let mut case = asked(Severity::Warning);
    case.incident.relapse_of = Some(IncidentId(7));
    case.before = Some(told(&[(Kind::Opened, &warning, -90), (Kind::Recovered, &warning, -80)]));
    assert_eq!((case.kind(29), case.kind(30)), (None, Some(Kind::Opened)));
    case.incident.severity = Severity::Critical;
    assert_eq!(case.kind(0), Some(Kind::Opened), "it is worse");
}

#[test]
fn that_a_channel_is_dead_is_told_on_every_other_one() {
    let mut case = asked(Severity::Warning);
    case.incident.key = "opswarden/channel_dead/channel:host-a/slack".parse().unwrap();
    case.route.severity = Severity::Critical;
    assert_eq!(case.kind(0), None, "not on itself");
    case.route.channel = "email".to_owned();
    case.route.agents = vec!["fleet-manager".to_owned()];
    assert_eq!(case.kind(0), Some(Kind::Opened), "whatever the route is told of");
}

#[test]
fn a_route_is_told_of_what_it_asks_for() {
    let mut case = asked(Severity::Warning);
    let of = |change: &dyn Fn(&mut Route), case: &mut Asked| {
        case.route = route();
        change(&mut case.route);
        case.kind(0)
    };
    assert_eq!(of(&|_| {}, &mut case), Some(Kind::Opened));
    assert_eq!(of(&|route| route.severity = Severity::Critical, &mut case), None);
    assert_eq!(of(&|route| route.environments = vec![Environment::Staging], &mut case), None);
    assert_eq!(of(&|route| route.agents = vec!["fleet-manager".to_owned()], &mut case), None);
    assert_eq!(of(&|route| route.checks = vec!["host_disk".to_owned()], &mut case), None);
    let both = |route: &mut Route| {
        route.agents = vec!["fleet-manager".to_owned(), "health-guardian".to_owned()];
        route.checks = vec!["service_down".to_owned()];
    };
    assert_eq!(of(&both, &mut case), Some(Kind::Opened));
}
