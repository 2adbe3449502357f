//! Proof: a noisy month. Agents run at their intervals and write what a merge writes; what people receive is counted.
//!
//! Real outages, findings that a run repairs itself, findings that come and go, findings that another one explains, findings
//! for information, a storm of 500 displays, a channel that is dead for a day, quiet hours and planned work. The number of
//! days is `OPSWARDEN_PROOF_N` (3 unless set).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::store::SqliteStore;
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::IncidentId;
use opswarden::domain::notice::{Body, CHANNEL_DEAD, Kind, Route, Window};
use opswarden::domain::run::RunState;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::ports::outbox::Outbox as _;

use crate::world::{Answer, Attempt, Dice, HOUR, MINUTE, World, at, route, rules, run_id};

/// Who runs, and every how many minutes.
const AGENTS: [(AgentName, u64); 4] = [
    (AgentName::of("fleet-manager"), 5),
    (AgentName::of("health-guardian"), 10),
    (AgentName::of("schedule-doctor"), 15),
    (AgentName::of("content-lifecycle"), 30),
];
const DISPLAYS: u64 = 500;
const SERVICES: u64 = 20;
/// Pages in 12 hours, at the 95th percentile: the goal. A page is the first word about something, or that it is worse: what
/// takes somebody from sleep or from other work. A reminder of what nobody took up is an alert and no page.
const PAGES: usize = 2;
const SLACK: Duration = Duration::from_mins(1);

fn began() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    Outage,
    Explained(Key),
    Repaired,
    Storm,
    ComesAndGoes,
    Information,
    DeadChannel,
}

#[derive(Clone, Debug)]
struct Trouble {
    agent: usize,
    key: Key,
    severity: Severity,
    begin: Timestamp,
    end: Timestamp,
    sort: Sort,
    /// When somebody takes it up, after it began.
    taken_up: Option<Duration>,
    incident: Option<IncidentId>,
    over: bool,
}

fn subject(agent: usize, check: &'static str, kind: SubjectKind, id: &str) -> Key {
    Key::new(AGENTS[agent].0.clone(), CheckId::of(check), Subject::new(kind, "acme", id))
}

/// What goes wrong in a month.
struct Plan {
    dice: Dice,
    all: Vec<Trouble>,
}

impl Plan {
    fn add(&mut self, sort: Sort, key: Key, severity: Severity, begin: Timestamp, long: Duration) {
        let agent = AGENTS.iter().position(|(name, _)| *name == key.agent).expect("one of them");
        let taken_up = (sort == Sort::Outage && self.dice.below(3) > 0)
            .then(|| MINUTE * (15 + u32::try_from(self.dice.below(25)).expect("small")));
        let end = begin + long;
        let (incident, over) = (None, false);
        let trouble = Trouble { agent, key, severity, begin, end, sort, taken_up, incident, over };
        self.all.push(trouble);
    }

    fn moment(&mut self, day: u64) -> Timestamp {
        began()
            + HOUR * 24 * u32::try_from(day).expect("small")
            + Duration::from_secs(self.dice.below(24 * 3600))
    }

    fn severity(&mut self) -> Severity {
        if self.dice.below(2) == 0 { Severity::Critical } else { Severity::Warning }
    }

    fn length(&mut self) -> Duration {
        MINUTE * (40 + u32::try_from(self.dice.below(200)).expect("small"))
    }

    /// A real outage: a service, a place with all its displays, or a schedule.
    fn outage(&mut self, day: u64, begin: Timestamp, severity: Severity) {
        let long = self.length();
        match self.dice.below(3) {
            0 => {
                let id = format!("service-{}", self.dice.below(SERVICES));
                let key = subject(1, "service_down", SubjectKind::Service, &format!("{id}.{day}"));
                self.add(Sort::Outage, key, severity, begin, long);
            }
            1 => {
                let place = subject(0, "place_dark", SubjectKind::Location, &format!("l{day}"));
                self.add(Sort::Outage, place.clone(), severity, begin, long);
                for n in 0..20 {
                    let id = format!("d{}", (day * 20 + n) % DISPLAYS);
                    let key = subject(0, "display_dark", SubjectKind::Display, &id);
                    let sort = Sort::Explained(place.clone());
                    self.add(sort, key, Severity::Critical, begin, long);
                }
            }
            _ => {
                let key = subject(2, "schedule_gap", SubjectKind::Schedule, &format!("s{day}"));
                self.add(Sort::Outage, key, severity, begin, long);
            }
        }
    }

    fn noise(&mut self, day: u64) {
        for n in 0..12 {
            let (begin, severity) = (self.moment(day), self.severity());
            let key = subject(1, "process_down", SubjectKind::Process, &format!("p{day}.{n}"));
            self.add(Sort::Repaired, key, severity, begin, HOUR);
        }
        for n in 0..20 {
            let begin = self.moment(day);
            let key = subject(3, "content_stale", SubjectKind::Content, &format!("c{day}.{n}"));
            self.add(Sort::Information, key, Severity::Info, begin, HOUR * 3);
        }
        if day % 3 == 1 {
            let (begin, id) = (self.moment(day), format!("unsteady-{day}"));
            let key = subject(0, "display_unsteady", SubjectKind::Display, &id);
            for n in 0..9 {
                let begin = begin + MINUTE * 20 * n;
                self.add(Sort::ComesAndGoes, key.clone(), Severity::Warning, begin, MINUTE * 10);
            }
        }
    }
}

fn planned(days: u64) -> Vec<Trouble> {
    let mut plan = Plan { dice: Dice(7), all: Vec::new() };
    for day in 0..days {
        let (begin, severity) = (plan.moment(day), plan.severity());
        plan.outage(day, begin, severity);
        plan.noise(day);
    }
    // On the day on which a channel is dead something must be told there; one night something happens during planned work.
    plan.outage(days, began() + HOUR * 27, Severity::Critical);
    let night = at("2026-11-22T02:30:00Z");
    let key = subject(0, "place_dark", SubjectKind::Location, "planned");
    plan.add(Sort::Outage, key, Severity::Critical, night, HOUR * 4);
    let storm = began() + HOUR * 46 + Duration::from_secs(77);
    for n in 0..DISPLAYS {
        let key = subject(0, "display_dark", SubjectKind::Display, &format!("storm-{n}"));
        plan.add(Sort::Storm, key, Severity::Critical, storm, MINUTE * 50);
    }
    plan.all
}

fn window(from: &str, to: &str) -> Window {
    let time = |text: &str| text.parse().expect("a time of day");
    Window { from: time(from), to: time(to), ..Window::default() }
}

fn house() -> World {
    let quiet = vec![window("22:00", "06:00")];
    let stale = vec!["content_stale".to_owned()];
    let digest = Route { digest: true, severity: Severity::Info, checks: stale, ..route("mail") };
    let mut settings = rules(
        Environment::Production,
        vec![
            Route { quiet, ..route("team") },
            Route { severity: Severity::Critical, ..route("pager") },
            Route { severity: Severity::Critical, status: true, ..route("chat") },
            digest,
        ],
    );
    let days = vec!["sun".to_owned().try_into().expect("a day")];
    let agents = vec!["fleet-manager".to_owned()];
    settings.maintenance = vec![Window { days, agents, ..window("02:00", "04:00") }];
    World::new(settings)
}

struct Month {
    world: World,
    store: Arc<SqliteStore>,
    all: Vec<Trouble>,
    last: BTreeMap<Key, IncidentId>,
    runs: u32,
}

impl Month {
    async fn minute(&mut self, minute: u64) {
        self.take_up().await;
        for (agent, (_, every)) in AGENTS.iter().enumerate() {
            if minute % every == u64::try_from(agent).expect("small") {
                self.run(agent, minute).await;
            }
        }
    }

    /// People take up what they were told of.
    async fn take_up(&mut self) {
        let now = self.world.now();
        for trouble in &mut self.all {
            let due = trouble.taken_up.is_some_and(|after| trouble.begin + after <= now);
            let Some(incident) = trouble.incident.filter(|_| due && !trouble.over) else {
                continue;
            };
            trouble.taken_up = None;
            let event = Event::IncidentAcknowledged { incident, reason: "on it".to_owned() };
            let event = self.world.event("people", event);
            let event = NewEvent { actor: "human:root".to_owned(), run: None, ..event };
            self.world.commit(&self.store, vec![event]).await;
        }
    }

    async fn run(&mut self, agent: usize, minute: u64) {
        self.runs += 1;
        let (now, run) = (self.world.now(), format!("run-{agent}-{minute}"));
        if agent == 1 {
            self.watch_channels().await;
        }
        let of_agent = |one: &Trouble| one.agent == agent && !one.over;
        let ill = |one: &Trouble| of_agent(one) && one.incident.is_none() && one.begin <= now;
        let begun: Vec<usize> = (0..self.all.len()).filter(|n| ill(&self.all[*n])).collect();
        let mut over: Vec<usize> = (0..self.all.len())
            .filter(|n| of_agent(&self.all[*n]) && self.all[*n].end <= now)
            .filter(|n| self.all[*n].incident.is_some())
            .collect();
        if !begun.is_empty() {
            self.world.note(&self.store, vec![self.world.row(&run, RunState::Running)]).await;
            self.begin(&run, &begun).await;
        }
        over.extend(begun.iter().filter(|n| self.all[**n].sort == Sort::Repaired));
        if !over.is_empty() {
            let ids: Vec<_> = over.iter().filter_map(|n| self.all[*n].incident).collect();
            self.world.well_for(&self.store, &AGENTS[agent].0, &ids).await;
            for n in over {
                self.all[n].over = true;
            }
        }
        self.world.note(&self.store, vec![self.world.row(&run, RunState::Ok)]).await;
        self.world.tell(&self.store, &run_id(&run)).await;
    }

    async fn begin(&mut self, run: &str, begun: &[usize]) {
        let of = |n: &usize| {
            let one = &self.all[*n];
            (one.key.clone(), one.severity, self.last.get(&one.key).copied())
        };
        let wanted: Vec<_> = begun.iter().map(of).collect();
        let ids = self.world.open(&self.store, run, &wanted).await;
        for (n, id) in begun.iter().zip(ids) {
            self.all[*n].incident = Some(id);
            self.last.insert(self.all[*n].key.clone(), id);
            if let Sort::Explained(into) = &self.all[*n].sort {
                self.world.fold(&self.store, &self.all[*n].key, into).await;
            }
        }
    }

    /// What the engine's own check says of channels.
    async fn watch_channels(&mut self) {
        let now = self.world.now();
        for channel in self.store.channels().await.expect("they are read") {
            let key = subject(1, CHANNEL_DEAD, SubjectKind::Channel, &channel.name);
            let known = self.all.iter_mut().find(|one| one.key == key && !one.over);
            match (channel.dead(now), known) {
                (Some(_), None) => {
                    let mut plan = Plan { dice: Dice(1), all: Vec::new() };
                    plan.add(Sort::DeadChannel, key, Severity::Warning, now, HOUR * 24 * 365);
                    self.all.extend(plan.all);
                }
                (None, Some(known)) => known.end = now,
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
    }
}

/// When a message was first there that told of an incident.
fn first(attempts: &[Attempt], channel: &str, incident: IncidentId) -> Option<Timestamp> {
    let there = attempts.iter().filter(|one| one.arrived && one.channel == channel);
    let mut there = there.filter(|one| one.incidents().contains(&incident));
    there.next().map(|one| one.at)
}

/// From when on a trouble may be told to the team.
fn allowed(world: &World, trouble: &Trouble) -> Timestamp {
    let mut from = trouble.begin;
    for _ in 0..3 {
        let planned = world.rules.maintenance.iter();
        let planned = planned.filter(|one| one.is_about(&trouble.key.agent));
        let quiet = world.rules.routes[0].quiet.iter();
        let quiet = quiet.filter(|_| trouble.severity != Severity::Critical);
        let end = planned.chain(quiet).filter_map(|one| one.until(from, &world.rules.zone)).max();
        from = end.unwrap_or(from);
    }
    from
}

fn median_p95_max(mut counts: Vec<usize>) -> (usize, usize, usize) {
    counts.sort_unstable();
    let at = |percent: usize| counts[(counts.len() * percent).div_ceil(100).max(1) - 1];
    (at(50), at(95), at(100))
}

#[tokio::test]
async fn a_noisy_month_tells_every_outage_in_time_and_pages_seldom() {
    let days = u64::try_from(crate::size(3)).expect("a number of days").max(3);
    let world = house();
    let store = world.store().await;
    let (all, last) = (planned(days), BTreeMap::new());
    let mut month = Month { world: world.clone(), store, all, last, runs: 0 };
    for minute in 0..(days + 1) * 24 * 60 {
        world.until(began() + Duration::from_secs(minute * 60));
        match minute {
            1440 => world.always("chat", Answer::Refused),
            2880 => world.always("chat", Answer::Sent),
            _ => {}
        }
        month.minute(minute).await;
    }
    judge(&month, days);
}

/// How many outages were told, how many were put off, and the latest of all.
fn judge_outages(month: &Month, attempts: &[Attempt]) -> (usize, usize, Duration) {
    let outages = month.all.iter().filter(|one| one.sort == Sort::Outage);
    let (mut told, mut held, mut worst) = (0, 0, Duration::ZERO);
    for outage in outages {
        let from = allowed(&month.world, outage);
        let put_off = from > outage.begin;
        held += usize::from(put_off);
        // What was put off is told by whoever runs next.
        let interval = MINUTE * u32::try_from(AGENTS[outage.agent].1).expect("small");
        if from + interval >= outage.end {
            continue;
        }
        let incident = outage.incident.expect("it was found");
        let critical = (outage.severity == Severity::Critical).then_some("pager");
        for channel in ["team"].into_iter().chain(critical) {
            let there = first(attempts, channel, incident).expect("every outage is told");
            let late =
                Duration::try_from(there.duration_since(from)).expect("not before it may be");
            assert!(
                late <= interval + SLACK,
                "{outage:?} was told to the {channel} after {late:?}"
            );
            worst = worst.max(late);
        }
        told += 1;
    }
    (told, held, worst)
}

fn judge(month: &Month, days: u64) {
    let attempts = month.world.attempts();
    let (told, held, worst) = judge_outages(month, &attempts);
    let arrived: Vec<&Attempt> = attempts.iter().filter(|one| one.arrived).collect();
    let alerts = |channel: &str| -> Vec<&Attempt> {
        let of = arrived.iter().filter(|one| one.channel == channel);
        of.filter(|one| one.message.kind.is_alert()).copied().collect()
    };
    let windows = |channel: &str, counts: &dyn Fn(Kind) -> bool| {
        let counted = (0..days * 2).map(|half| {
            let from = began() + HOUR * 12 * u32::try_from(half).expect("small");
            let within = |one: &&&Attempt| from <= one.at && one.at < from + HOUR * 12;
            let alerts = alerts(channel);
            alerts.iter().filter(within).filter(|one| counts(one.message.kind)).count()
        });
        median_p95_max(counted.collect())
    };
    let storm: Vec<&str> = of_storm(month, &arrived);
    let digests = arrived.iter().filter(|one| one.message.kind == Kind::Digest).count();
    let is_page = |kind| matches!(kind, Kind::Opened | Kind::Worse);
    let [pages, all, team] = [
        windows("pager", &is_page),
        windows("pager", &Kind::is_alert),
        windows("team", &Kind::is_alert),
    ];
    let of_status = |one: &&&Attempt| one.channel == "chat" && one.message.kind == Kind::Status;
    let statuses = arrived.iter().filter(of_status).count();
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for one in alerts("team") {
        let told = month.all.iter().find(|trouble| {
            trouble.incident.is_some_and(|incident| one.incidents().contains(&incident))
        });
        let check = told.map_or("none", |trouble| trouble.key.check.as_str());
        *causes.entry(format!("{check} {}", one.message.kind.as_str())).or_default() += 1;
    }
    crate::report(&format!(
        "noisy month: {days} days, {} runs, {} findings; {told} outages told within an interval and a minute, the latest \
         after {} s ({held} put off by quiet hours or planned work); in 12 h (median, 95th percentile, most): pages \
         {pages:?}, alerts on the pager {all:?}, alerts to the team {team:?}; alerts to the team: {causes:?}; storm of {DISPLAYS}: {storm:?}; {digests} digests; \
         {statuses} words about the status",
        month.runs,
        month.all.len(),
        worst.as_secs(),
    ));
    // Of a few days, with a storm and a dead channel among them, the 95th percentile is the most.
    let long = days >= 14;
    assert!(!long || pages.1 <= PAGES, "in 12 h: {pages:?}");
    assert_eq!(storm, ["opened", "recovered"]);
    assert_eq!(u64::try_from(digests).expect("small"), days + 1);
    let dead = month.all.iter().find(|one| one.sort == Sort::DeadChannel);
    let dead = dead.expect("a dead channel is an incident");
    assert_eq!(dead.key.subject.id(), "chat");
    assert!(first(&attempts, "pager", dead.incident.expect("it was raised")).is_some());
    assert_eq!(first(&attempts, "chat", dead.incident.expect("it was raised")), None);
    for one in month.all.iter().filter(|one| matches!(one.sort, Sort::Explained(_))) {
        let incident = one.incident.expect("it was found");
        assert_eq!(first(&attempts, "team", incident), None, "{one:?} is told by its cause");
    }
    for one in month.all.iter().filter(|one| one.sort == Sort::Repaired) {
        let incident = one.incident.expect("it was found");
        assert_eq!(first(&attempts, "team", incident), None, "{one:?} was repaired");
    }
}

fn of_storm<'a>(month: &Month, arrived: &[&'a Attempt]) -> Vec<&'a str> {
    let storm = month.all.iter().filter(|one| one.sort == Sort::Storm);
    let ids: Vec<IncidentId> = storm.filter_map(|one| one.incident).collect();
    let pager = arrived.iter().filter(|one| one.channel == "pager");
    let of_it = pager.filter(|one| match &one.message.body {
        Body::Incidents { lines, .. } => lines.iter().any(|line| ids.contains(&line.id)),
        _ => false,
    });
    of_it.map(|one| one.message.kind.as_str()).collect()
}
