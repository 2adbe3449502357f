//! Proof: whoever dies or hears nothing around a send loses nothing and repeats at most once.
//!
//! Incidents begin, change and end in small worlds; processes decide and send, one or two at a time, and are killed at a
//! random moment at which they wait; receivers take, postpone, refuse, hang, and answer nothing whether it arrived or not.
//! Then everything is calm for more than a day, and what arrived is held against the ledger. The number of kills and
//! unanswered sends is `OPSWARDEN_PROOF_N` (300 unless set).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::store::{SqliteStore, verify};
use opswarden::domain::incident::{Incident, IncidentId};
use opswarden::domain::notice::{Body, Kind, Route};
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::subject::Key;
use opswarden::domain::view::SystemStatus;
use opswarden::ports::outbox::Outbox as _;
use opswarden::ports::store::Store as _;

use crate::world::{Attempt, Dice, HOUR, MINUTE, World, key, route, rules, run_id};

const ROUNDS: u32 = 40;
const CHECKS: [&str; 2] = ["display_dark", "screen_black"];
const SUBJECTS: [&str; 4] = ["a", "b", "c", "d"];
/// Whoever waits for an hour to end and for a batch after that has heard by then.
const SOON: Duration = Duration::from_mins(90);

fn routes() -> Vec<Route> {
    let none = vec!["none".to_owned()];
    vec![
        route("team"),
        Route { severity: Severity::Critical, ..route("pager") },
        Route { severity: Severity::Critical, unacknowledged: true, ..route("boss") },
        Route { status: true, checks: none, ..route("wall") },
    ]
}

/// What a world came to.
struct Ended {
    attempts: Vec<Attempt>,
    incidents: Vec<Incident>,
    status: SystemStatus,
    /// When receivers began to take everything.
    calm: Timestamp,
    kills: usize,
    /// Answers that a living process could not write down.
    unwritten: usize,
    /// Ends that two processes took out and died over, by route: the repeat is used up, and whether one was sent only the
    /// dead know.
    spent: BTreeSet<(String, String)>,
}

impl Ended {
    fn unanswered(&self) -> usize {
        self.attempts.iter().filter(|one| one.doubtful).count()
    }
}

/// One thing happens.
async fn happens(world: &World, store: &SqliteStore, dice: &mut Dice) {
    let all = store.incidents(world.now() - HOUR * 6, 500).await.expect("they are read");
    let active: Vec<&Incident> = all.iter().filter(|one| one.is_active()).collect();
    let some = active.get(usize::try_from(dice.below(8)).expect("a small number"));
    match (dice.below(8), some) {
        (0..3, Some(incident)) => world.well(store, &[incident.id]).await,
        (3, Some(incident)) => {
            let other = match incident.severity {
                Severity::Critical => Severity::Warning,
                Severity::Warning | Severity::Info => Severity::Critical,
            };
            world.severity(store, incident, other).await;
        }
        (4, Some(incident)) => {
            world.news(store, incident, &format!("{}", dice.below(3))).await;
        }
        _ => {
            let begun = begun(dice, &all);
            world.open(store, "r", &begun).await;
        }
    }
}

fn begun(dice: &mut Dice, all: &[Incident]) -> Vec<(Key, Severity, Option<IncidentId>)> {
    let mut begun = BTreeMap::new();
    for _ in 0..=dice.below(3) {
        let check = CHECKS[usize::try_from(dice.below(2)).expect("a small number")];
        let key = key(check, SUBJECTS[usize::try_from(dice.below(4)).expect("a small number")]);
        let severity = if dice.below(3) == 0 { Severity::Warning } else { Severity::Critical };
        let of_key = || all.iter().filter(|one| one.key == key);
        if of_key().all(|one| !one.is_active()) {
            begun.insert(key.clone(), (severity, of_key().map(|one| one.id).max()));
        }
    }
    begun.into_iter().map(|(key, (severity, before))| (key, severity, before)).collect()
}

/// A run: something happens, and is told; now and then by two processes at once.
async fn run(world: &World, store: &Arc<SqliteStore>, other: &Arc<SqliteStore>, mut dice: Dice) {
    if dice.below(3) > 0 {
        happens(world, store, &mut dice).await;
    }
    if dice.below(4) == 0 {
        let (one, two) = (run_id("r"), run_id("s"));
        futures_util::future::join(world.tell(store, &one), world.tell(other, &two)).await;
    } else {
        world.tell(store, &run_id("r")).await;
    }
}

async fn lived(seed: u64) -> Ended {
    let mut dice = Dice(seed);
    let environment = match dice.below(3) {
        0 => Environment::Staging,
        _ => Environment::Production,
    };
    let world = World::new(rules(environment, routes()));
    world.roll(Some(Dice(dice.next())));
    let (mut store, mut other) = (world.store().await, world.store().await);
    let (mut kills, mut unwritten, mut longest) = (0, 0, 200);
    for _ in 0..ROUNDS {
        let pause = [10, 30, 120, 300, 900, 2400][usize::try_from(dice.below(6)).expect("small")];
        world.pass(Duration::from_secs(pause + dice.below(20)));
        let wake = match dice.below(2) {
            0 => 1 + u32::try_from(dice.below(u64::from(longest))).expect("a small number"),
            _ => u32::MAX,
        };
        let work = run(&world, &store, &other, Dice(dice.next()));
        let (ended, woken) = world.until_wake(wake, work).await;
        if ended {
            longest = u32::midpoint(longest, woken);
            unwritten += world.settled(&store).await;
            continue;
        }
        kills += 1;
        store.close().await.expect("it closes");
        other.close().await.expect("it closes");
        (store, other) = (world.store().await, world.store().await);
        world.settled(&store).await;
    }
    world.roll(None);
    let calm = world.now();
    for pause in [MINUTE * 5; 20].into_iter().chain([HOUR; 26]) {
        world.pass(pause);
        world.tell(&store, &run_id("calm")).await;
    }
    let found = verify(&store).await.expect("it is verified");
    assert!(found.is_clean(), "{found:?}");
    let incidents = store.incidents(calm - HOUR * 72, 500).await.expect("they are read");
    let status = store.ops_state(world.now()).await.expect("it is read").system_status;
    let rows = store.notifications(None, u32::MAX).await.expect("they are read");
    let spent = rows.iter().filter(|row| row.kind == Kind::Recovered && row.doubts > 1);
    let spent = spent.map(|row| (row.about.to_string(), row.route.clone())).collect();
    Ended { attempts: world.attempts(), incidents, status, calm, kills, unwritten, spent }
}

/// One attempt's word about one incident.
#[derive(Clone, Copy)]
struct Word<'a> {
    attempt: &'a Attempt,
    severity: Severity,
    over: bool,
}

fn words<'a>(attempts: &'a [Attempt], channel: &str, incident: IncidentId) -> Vec<Word<'a>> {
    let mut words = Vec::new();
    for attempt in attempts.iter().filter(|one| one.channel == channel) {
        let Body::Incidents { lines, .. } = &attempt.message.body else { continue };
        let lines = lines.iter().filter(|line| line.id == incident);
        words.extend(lines.map(|line| Word {
            attempt,
            severity: line.severity,
            over: line.ended.is_some(),
        }));
    }
    words
}

/// Everything in which what arrived is not what was owed.
fn breaches(ended: &Ended) -> Vec<String> {
    let mut found = repeats(&ended.attempts);
    let doubts = ended.unanswered() + ended.kills * routes().len() * 2;
    let marked = ended.attempts.iter().filter(|one| one.message.may_repeat).count();
    if marked > doubts {
        found.push(format!("{marked} repeats of {doubts} doubts"));
    }
    for route in routes() {
        for incident in &ended.incidents {
            let said = words(&ended.attempts, &route.channel, incident.id);
            let place = format!("{} on {}", incident.id, route.name);
            found.extend(told(ended, incident, &route, &said).map(|why| format!("{place}: {why}")));
            found.extend(
                spaced(ended, incident, &route, &said).map(|why| format!("{place}: {why}")),
            );
        }
    }
    found.extend(status(ended));
    found
}

/// A message arrives at most twice, and the second time only after a doubt and marked.
fn repeats(attempts: &[Attempt]) -> Vec<String> {
    let mut by_id: BTreeMap<(&str, &str), Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        by_id.entry((&attempt.channel, &attempt.message.id)).or_default().push(attempt);
    }
    let mut found = Vec::new();
    for ((channel, id), all) in by_id {
        if all.iter().filter(|one| one.arrived).count() > 2 {
            found.push(format!("{id} on {channel} arrived more than twice"));
        }
        if all.iter().filter(|one| one.doubtful).count() > 2 {
            found.push(format!("{id} on {channel} was repeated more than once"));
        }
        // Whoever died before handing it over, or before writing down that it was turned away, has left a doubt of which only the
        // mark tells.
        let doubted = all[0].doubtful || all[0].message.may_repeat || !all[0].arrived;
        for again in &all[1..] {
            if !again.message.may_repeat || !doubted {
                found.push(format!("{id} on {channel} was repeated without a doubt or a mark"));
            }
        }
    }
    found
}

/// Whoever is owed word of an incident has it, and nobody has word of an end who was not told of the beginning.
fn told(ended: &Ended, incident: &Incident, route: &Route, said: &[Word<'_>]) -> Option<String> {
    let alerts: Vec<_> = said.iter().filter(|word| !word.over).collect();
    let ends: Vec<_> = said.iter().filter(|word| word.over).collect();
    let arrived = |words: &[&Word<'_>]| words.iter().any(|word| word.attempt.arrived);
    let doubtful = |words: &[&Word<'_>]| words.iter().filter(|one| one.attempt.doubtful).count();
    if let Some(end) = &incident.resolved {
        let last = alerts.iter().rfind(|word| word.attempt.arrived);
        let after = ends.iter().any(|word| {
            word.attempt.arrived && last.is_some_and(|last| word.attempt.at >= last.attempt.at)
        });
        // A kill between taking out and handing over is a doubt that no receiver sees, and the ledger does.
        let used_up = ended.spent.contains(&(incident.id.to_string(), route.name.clone()));
        if last.is_some() && !after && !used_up {
            return Some("its end was not told to who had heard of it".to_owned());
        }
        if last.is_some_and(|last| last.attempt.at > end.at + HOUR / 12) {
            return Some("it was told after it had ended".to_owned());
        }
        let ids: BTreeSet<&str> = ends
            .iter()
            .filter(|word| word.attempt.arrived)
            .map(|word| word.attempt.message.id.as_str())
            .collect();
        return (ids.len() > 1).then(|| "its end was told by two messages".to_owned());
    }
    if route.checks.is_empty() && incident.severity >= route.severity {
        if !arrived(&alerts) {
            return Some("it was not told".to_owned());
        }
        let first = alerts.iter().find(|word| word.attempt.arrived)?.attempt.at;
        let soon = first <= ended.calm + SOON;
        let sure = doubtful(&alerts) == 0 && ended.kills == 0 && !route.unacknowledged;
        return (sure && !soon).then(|| "it was told late".to_owned());
    }
    None
}

/// No second alert about the same within an hour, a relapse included, unless it is worse.
fn spaced(ended: &Ended, incident: &Incident, route: &Route, said: &[Word<'_>]) -> Option<String> {
    let heard = |words: &[Word<'_>]| -> Vec<(Timestamp, Severity, String)> {
        let alerts = words.iter().filter(|word| !word.over && word.attempt.arrived);
        let told =
            alerts.map(|word| (word.attempt.at, word.severity, word.attempt.message.id.clone()));
        told.collect()
    };
    let mut all = heard(said);
    let mut before = incident.relapse_of;
    while let Some(id) = before {
        all.extend(heard(&words(&ended.attempts, &route.channel, id)));
        before = ended.incidents.iter().find(|one| one.id == id).and_then(|one| one.relapse_of);
    }
    all.sort();
    let soon = all.windows(2).find(|pair| {
        pair[0].2 != pair[1].2 && pair[1].0 < pair[0].0 + HOUR && pair[1].1 <= pair[0].1
    });
    soon.map(|pair| format!("a second alert at {} after {}", pair[1].0, pair[0].0))
}

/// What was sent, for whoever reads of a breach.
fn tale(ended: &Ended) -> String {
    let line = |one: &Attempt| {
        let (at, message) = (one.at, &one.message);
        let what = match &message.body {
            Body::Incidents { lines, .. } => {
                let said = lines.iter().map(|line| (line.id, line.severity, line.ended.is_some()));
                format!(" {:?}", said.collect::<Vec<_>>())
            }
            Body::Status { now, .. } => format!(" {now:?}"),
            _ => String::new(),
        };
        let marks = (one.arrived, one.doubtful, message.may_repeat);
        format!("{at} {} {} {} {marks:?}{what}", one.channel, message.kind.as_str(), message.id)
    };
    let sent: Vec<String> = ended.attempts.iter().map(line).collect();
    format!("(arrived, doubtful, may repeat)\n{}", sent.join("\n"))
}

/// Whoever follows the status has the last one.
fn status(ended: &Ended) -> Option<String> {
    let of = |one: &Attempt| match one.message.body {
        Body::Status { now, .. } => Some(now),
        _ => None,
    };
    let mut last = SystemStatus::Healthy;
    let mut sure = true;
    for attempt in ended.attempts.iter().filter(|one| one.channel == "wall") {
        let Some(now) = of(attempt).filter(|_| attempt.arrived || attempt.doubtful) else {
            continue;
        };
        (last, sure) = (now, attempt.arrived);
    }
    (sure && last != ended.status && ended.kills == 0)
        .then(|| format!("the status is {:?}, and {last:?} was told", ended.status))
}

#[tokio::test]
async fn kills_and_timeouts_around_sends_lose_nothing_and_repeat_at_most_once() {
    let wanted = crate::size(300);
    let (mut kills, mut unanswered, mut arrived, mut repeated) = (0, 0, 0, 0);
    let (mut unwritten, mut spent) = (0, 0);
    let mut worlds = 0;
    while kills + unanswered < wanted {
        let ended = lived(worlds).await;
        let found = breaches(&ended);
        assert!(found.is_empty(), "world {worlds}: {found:#?}\n{}", tale(&ended));
        worlds += 1;
        kills += ended.kills;
        unwritten += ended.unwritten;
        spent += ended.spent.len();
        unanswered += ended.unanswered();
        let there: Vec<&Attempt> = ended.attempts.iter().filter(|one| one.arrived).collect();
        let ids = |one: &&Attempt| (one.channel.clone(), one.message.id.clone());
        arrived += there.len();
        repeated += there.len() - there.iter().map(ids).collect::<BTreeSet<_>>().len();
    }
    crate::report(&format!(
        "sends under kills: {kills} kills and {unanswered} sends without an answer in {worlds} worlds, {arrived} messages \
         arrived, of these {repeated} a second time and marked; 0 lost but for {spent} ends whose only repeat had no answer \
         either, 0 other repeats; \
         {unwritten} answers that a living process could not write down"
    ));
    assert!(repeated > 0, "no doubt led to a repeat");
}

/// The judge must see what is missing and what is too much.
#[tokio::test]
async fn the_judge_sees_what_is_lost_and_what_is_repeated() {
    let world = World::new(rules(Environment::Production, routes()));
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    let other = world.ill(&store, "b", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.pass(HOUR * 2);
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    let of = |attempts: Vec<Attempt>| async {
        let incidents = vec![world.incident(&store, id).await, world.incident(&store, other).await];
        let status = SystemStatus::Critical;
        let (calm, spent) = (world.now(), BTreeSet::new());
        breaches(&Ended { attempts, incidents, status, calm, kills: 0, unwritten: 0, spent })
    };
    let all = world.attempts();
    assert_eq!(of(all.clone()).await, Vec::<String>::new());
    let place = |kind: &str| all.iter().position(|one| one.message.kind.as_str() == kind);
    let has = |found: Vec<String>, what: &str| {
        assert!(found.iter().any(|why| why.contains(what)), "{what}: {found:?}");
    };
    let without = |kind: &str| {
        let of_kind = |one: &Attempt| one.channel != "team" || one.message.kind.as_str() != kind;
        all.iter().filter(|one| of_kind(one)).cloned().collect::<Vec<_>>()
    };
    has(of(without("recovered")).await, "its end was not told");
    let untold = all.iter().filter(|one| one.channel != "team").cloned().collect();
    has(of(untold).await, "it was not told");
    let mut twice = all.clone();
    twice.insert(1, all[place("opened").unwrap()].clone());
    has(of(twice.clone()).await, "without a doubt or a mark");
    twice[1].message.id = "another".to_owned();
    has(of(twice).await, "a second alert");
    let unsaid = all.iter().filter(|one| one.channel != "wall").cloned().collect();
    has(of(unsaid).await, "the status is");
}
