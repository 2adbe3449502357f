//! A ledger with an outbox, a clock that moves only when somebody waits, and receivers that note what reaches them and
//! answer as they are told to.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{Incident, IncidentId, Resolution, RunId};
use opswarden::domain::notice::{Body, ChannelRule, Clocks, Message, Notification, Route, Rules};
use opswarden::domain::run::{AgentRun, Decision, Ruling, RunState, Trigger};
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::engine::Telling;
use opswarden::ports::Pending;
use opswarden::ports::channel::{Channel, Delivery, Earlier};
use opswarden::ports::clock::Clock;
use opswarden::ports::outbox::{Outbox as _, Wanted};
use opswarden::ports::store::{Batch, Note, Scope, Store as _};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const AGENT: AgentName = AgentName::of("fleet-manager");
/// So long may the telling of one run take, as in the engine.
const BOUND: Duration = Duration::from_secs(25);

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Sent,
    Later(Option<Duration>),
    Refused,
    UnknownArrived,
    UnknownLost,
    HangArrived,
    HangLost,
}

impl Answer {
    pub(crate) const fn arrives(self) -> bool {
        matches!(self, Self::Sent | Self::UnknownArrived | Self::HangArrived)
    }

    const fn is_doubtful(self) -> bool {
        !matches!(self, Self::Sent | Self::Later(_) | Self::Refused)
    }
}

/// One attempt to hand a message over.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    pub(crate) channel: String,
    pub(crate) message: Message,
    pub(crate) earlier: Option<Earlier>,
    pub(crate) arrived: bool,
    /// Whether its sender cannot know: no whole answer, or killed before it was written down.
    pub(crate) doubtful: bool,
    /// Whether it is still on its way, or its answer is not written down yet.
    going_on: bool,
    sender: u64,
}

impl Attempt {
    /// The incidents that it spells out.
    pub(crate) fn incidents(&self) -> Vec<IncidentId> {
        match &self.message.body {
            Body::Incidents { lines, .. } => lines.iter().map(|line| line.id).collect(),
            _ => Vec::new(),
        }
    }
}

pub(crate) struct State {
    pub(crate) now: Timestamp,
    elapsed: Duration,
    attempts: Vec<Attempt>,
    answers: BTreeMap<String, VecDeque<Answer>>,
    always: BTreeMap<String, Answer>,
    dice: Option<Dice>,
    senders: u64,
}

/// A small generator of its own, so that every run sees the same programme (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn answer(&mut self) -> Answer {
        match self.below(100) {
            0..60 => Answer::Sent,
            60..68 => Answer::Later(None),
            68..74 => Answer::Later(Some(Duration::from_secs(self.below(600)))),
            74..78 => Answer::Refused,
            78..84 => Answer::UnknownArrived,
            84..91 => Answer::UnknownLost,
            91..96 => Answer::HangArrived,
            _ => Answer::HangLost,
        }
    }
}

/// The world; clones share it.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) rules: Arc<Rules>,
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A route of the same name as its channel.
pub(crate) fn route(name: &str) -> Route {
    Route { name: name.to_owned(), channel: name.to_owned(), ..Route::default() }
}

pub(crate) fn rules(environment: Environment, routes: Vec<Route>) -> Rules {
    let rule = ChannelRule { pause: Duration::ZERO, dashboard: false };
    Rules {
        environment,
        host: "host-a".to_owned(),
        runbooks: String::new(),
        clocks: Clocks::Standard,
        digest_at: "08:00".parse().expect("a time of day"),
        zone: "UTC".to_owned(),
        channels: routes.iter().map(|route| (route.channel.clone(), rule)).collect(),
        routes,
        maintenance: Vec::new(),
    }
}

pub(crate) fn key(check: &'static str, subject: &str) -> Key {
    let subject = Subject::new(SubjectKind::Display, "acme", subject);
    Key::new(AGENT, CheckId::of(check), subject)
}

pub(crate) fn run_id(name: &str) -> RunId {
    RunId(name.to_owned())
}

impl World {
    /// An empty ledger at noon.
    pub(crate) fn new(rules: Rules) -> Self {
        let state = State {
            now: at("2026-11-20T12:00:00Z"),
            elapsed: Duration::ZERO,
            attempts: Vec::new(),
            answers: BTreeMap::new(),
            always: BTreeMap::new(),
            dice: None,
            senders: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            folder: Arc::new(tempfile::tempdir().expect("a folder")),
            rules: Arc::new(rules),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// The same world under other settings.
    pub(crate) fn under(&self, rules: Rules) -> Self {
        Self { rules: Arc::new(rules), ..self.clone() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    pub(crate) fn pass(&self, time: Duration) {
        let mut state = self.state();
        state.now = state.now.checked_add(time).expect("holds in this test");
        state.elapsed += time;
    }

    /// Waits until this moment.
    pub(crate) fn until(&self, moment: Timestamp) {
        let wait = Duration::try_from(moment.duration_since(self.now())).unwrap_or_default();
        self.pass(wait);
    }

    /// The next answers of a receiver; after them it takes what it gets.
    pub(crate) fn answers(&self, channel: &str, answers: &[Answer]) {
        self.state().answers.insert(channel.to_owned(), answers.iter().copied().collect());
    }

    /// How a receiver answers from now on.
    pub(crate) fn always(&self, channel: &str, answer: Answer) {
        self.state().always.insert(channel.to_owned(), answer);
    }

    /// Receivers answer at random, or well again.
    pub(crate) fn roll(&self, dice: Option<Dice>) {
        self.state().dice = dice;
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.clone()
    }

    /// What arrived at a receiver since the last call.
    pub(crate) fn arrived(&self, channel: &str) -> Vec<Message> {
        let mut state = self.state();
        let (taken, left) = state.attempts.drain(..).partition(|one| one.channel == channel);
        state.attempts = left;
        let taken: Vec<Attempt> = taken;
        taken.into_iter().filter(|one| one.arrived).map(|one| one.message).collect()
    }

    /// The words of what arrived at a receiver since the last call.
    pub(crate) fn kinds(&self, channel: &str) -> Vec<&'static str> {
        self.arrived(channel).iter().map(|message| message.kind.as_str()).collect()
    }

    pub(crate) async fn store(&self) -> Arc<SqliteStore> {
        let options = StoreOptions {
            state_dir: self.folder.path().to_owned(),
            environment: self.rules.environment,
            host: "host-a".to_owned(),
            roster: Vec::new(),
            notices: Some(Arc::clone(&self.rules)),
            access: Access::ReadWrite,
            clock: Arc::new(self.clone()),
        };
        Arc::new(SqliteStore::open(options).await.expect("the ledger opens"))
    }

    pub(crate) fn telling(&self, store: &Arc<SqliteStore>) -> Telling {
        self.state().senders += 1;
        let sender = self.state().senders;
        let post = |name: &String| {
            let post = Post { name: name.clone(), world: self.clone(), sender };
            (name.clone(), Ok(Arc::new(post) as Arc<dyn Channel>))
        };
        let channels = self.rules.channels.keys().map(post).collect();
        Telling { outbox: Arc::clone(store) as _, channels }
    }

    /// The last phase of a run: decides and sends, as the engine does.
    pub(crate) async fn tell(&self, store: &Arc<SqliteStore>, run: &RunId) {
        let wanted = Wanted { dashboard: false };
        store.decide(self.now(), &wanted).await.expect("decisions are written");
        let (telling, end) = (self.telling(store), self.elapsed() + BOUND);
        let feeds = telling.channels.keys().map(|name| telling.feed(self, run, name, end));
        let fed = futures_util::future::join_all(feeds).await;
        for fed in fed {
            fed.expect("what became of it is written");
        }
    }

    pub(crate) fn event(&self, run: &str, event: Event) -> NewEvent {
        let actor = "agent:fleet-manager".to_owned();
        NewEvent { at: self.now(), actor, run: Some(run_id(run)), event }
    }

    fn scope(&self) -> Scope {
        Scope { about: None, agent: None, recent: HOUR, now: self.now() }
    }

    pub(crate) async fn commit(&self, store: &SqliteStore, events: Vec<NewEvent>) {
        let mut decide = |_: &_| Batch { events: events.clone(), notes: Vec::new() };
        store.commit(self.scope(), &mut decide).await.expect("events are written");
    }

    pub(crate) async fn note(&self, store: &SqliteStore, notes: Vec<Note>) {
        let mut decide = |_: &_| Batch { events: Vec::new(), notes: notes.clone() };
        store.commit(self.scope(), &mut decide).await.expect("notes are written");
    }

    /// Incidents begin, in one transaction, with the next numbers.
    pub(crate) async fn open(
        &self,
        store: &SqliteStore,
        run: &str,
        begun: &[(Key, Severity, Option<IncidentId>)],
    ) -> Vec<IncidentId> {
        let mut ids = Vec::new();
        let mut decide = |view: &opswarden::ports::store::LedgerView| {
            ids = (0..begun.len() as u64).map(|n| IncidentId(view.next_incident + n)).collect();
            let events = ids.iter().zip(begun).map(|(id, (key, severity, relapse_of))| {
                let event = self.event(run, self.opened(*id, key, *severity, *relapse_of));
                NewEvent { actor: format!("agent:{}", key.agent), ..event }
            });
            Batch { events: events.collect(), notes: Vec::new() }
        };
        store.commit(self.scope(), &mut decide).await.expect("events are written");
        ids
    }

    fn opened(
        &self,
        incident: IncidentId,
        key: &Key,
        severity: Severity,
        relapse_of: Option<IncidentId>,
    ) -> Event {
        Event::IncidentOpened {
            incident,
            key: key.clone(),
            severity,
            priority: Priority::of(severity, self.rules.environment),
            message: format!("{} is ill", key.subject.id()),
            facts: BTreeMap::new(),
            runbook: key.check.to_string(),
            opened_at: self.now(),
            relapse_of,
            attempts: 0,
            last_attempt_at: None,
        }
    }

    /// One incident begins.
    pub(crate) async fn ill(
        &self,
        store: &SqliteStore,
        subject: &str,
        how: Severity,
    ) -> IncidentId {
        self.open(store, "r", &[(key("display_dark", subject), how, None)]).await[0]
    }

    /// Incidents end by themselves, in one transaction.
    pub(crate) async fn well(&self, store: &SqliteStore, incidents: &[IncidentId]) {
        self.well_for(store, &AGENT, incidents).await;
    }

    /// The same for the incidents of another agent.
    pub(crate) async fn well_for(
        &self,
        store: &SqliteStore,
        agent: &AgentName,
        incidents: &[IncidentId],
    ) {
        let end = |incident: &IncidentId| {
            let (incident, proof) = (*incident, "seen twice".to_owned());
            let (resolution, remediation) = (Resolution::Recovered, None);
            let event = Event::IncidentResolved { incident, resolution, proof, remediation };
            NewEvent { actor: format!("agent:{agent}"), ..self.event("r", event) }
        };
        self.commit(store, incidents.iter().map(end).collect()).await;
    }

    /// An incident becomes better or worse.
    pub(crate) async fn severity(&self, store: &SqliteStore, incident: &Incident, to: Severity) {
        let event = Event::IncidentSeverityChanged {
            incident: incident.id,
            from: incident.severity,
            to,
            message: incident.message.clone(),
            facts: incident.facts.clone(),
        };
        self.commit(store, vec![self.event("r", event)]).await;
    }

    /// It is as bad as before, and not the same any more.
    pub(crate) async fn news(&self, store: &SqliteStore, incident: &Incident, fact: &str) {
        let event = Event::IncidentFactsChanged {
            incident: incident.id,
            was: incident.message.clone(),
            message: format!("{} ({fact})", incident.message),
            facts: BTreeMap::from([("fact".to_owned(), fact.to_owned())]),
        };
        self.commit(store, vec![self.event("r", event)]).await;
    }

    pub(crate) async fn incident(&self, store: &SqliteStore, id: IncidentId) -> Incident {
        store.incident(id).await.expect("it is read").expect("it exists")
    }

    /// One finding explains another.
    pub(crate) async fn fold(&self, store: &SqliteStore, child: &Key, into: &Key) {
        let ruling = Ruling::Folded { into: into.clone() };
        let (key, run, at) = (child.clone(), run_id("r"), self.now());
        let decision = Decision { key, run, at, ruling };
        self.note(store, vec![Note::Decision(Box::new(decision))]).await;
    }

    /// A run as a row.
    pub(crate) fn row(&self, id: &str, state: RunState) -> Note {
        Note::Run(Box::new(AgentRun {
            id: run_id(id),
            agent: AGENT,
            trigger: Trigger::Timer,
            scope: "host-a".to_owned(),
            epoch: 0,
            slot: None,
            slot_until: None,
            slots: None,
            why: None,
            plan_only: false,
            attempt: 1,
            token: None,
            owner: "host-a:1".to_owned(),
            lease_until: None,
            started_at: self.now(),
            ended_at: (state != RunState::Running).then(|| self.now()),
            late_ms: None,
            exit: Some(0),
            usage: BTreeMap::new(),
            counts: BTreeMap::new(),
            unknown: BTreeMap::new(),
            state,
        }))
    }

    /// Notifications about one thing, the newest first.
    pub(crate) async fn rows(&self, store: &SqliteStore, about: &str) -> Vec<Notification> {
        store.notifications(Some(about), 100).await.expect("they are read")
    }

    /// Does `work` until it ends, or is killed when it has been woken so often. Whether it ended, and how often it was woken.
    pub(crate) async fn until_wake(
        &self,
        wake: u32,
        work: impl Future<Output = ()>,
    ) -> (bool, u32) {
        let mut work = pin!(work);
        let mut woken = 0;
        let ended = std::future::poll_fn(|context| {
            if woken == wake {
                return Poll::Ready(false);
            }
            woken += 1;
            work.as_mut().poll(context).map(|()| true)
        })
        .await;
        (ended, woken)
    }

    /// Nobody sends any more: whatever was not written down is doubtful. How much that is.
    pub(crate) async fn settled(&self, store: &SqliteStore) -> usize {
        let rows = store.notifications(None, 1000).await.expect("they are read");
        let out: Vec<_> = rows.iter().filter(|row| row.lease_until.is_some()).collect();
        let mut count = 0;
        for attempt in self.state().attempts.iter_mut().filter(|one| one.going_on) {
            let unwritten = out.iter().any(|row| row.message.as_ref() == Some(&attempt.message.id));
            count += usize::from(unwritten);
            (attempt.going_on, attempt.doubtful) = (false, attempt.doubtful || unwritten);
        }
        count
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            // Whatever can happen at once happens before time passes.
            for _ in 0..6 {
                tokio::task::yield_now().await;
            }
            self.pass(duration);
        })
    }
}

/// A receiver.
struct Post {
    name: String,
    world: World,
    sender: u64,
}

impl Post {
    fn take(&self, message: &Message, earlier: Option<&Earlier>) -> (Answer, usize) {
        let mut state = self.world.state();
        let told = state.answers.get_mut(&self.name).and_then(VecDeque::pop_front);
        let always = state.always.get(&self.name).copied();
        let drawn = state.dice.as_mut().map(Dice::answer);
        let answer = told.or(always).or(drawn).unwrap_or(Answer::Sent);
        // The same sender is back: what it sent on this channel before is written down.
        let own = |one: &&mut Attempt| one.channel == self.name && one.sender == self.sender;
        state.attempts.iter_mut().filter(own).for_each(|one| one.going_on = false);
        let attempt = Attempt {
            at: state.now,
            channel: self.name.clone(),
            message: message.clone(),
            earlier: earlier.cloned(),
            arrived: false,
            doubtful: answer.is_doubtful(),
            going_on: true,
            sender: self.sender,
        };
        state.attempts.push(attempt);
        (answer, state.attempts.len() - 1)
    }
}

impl Channel for Post {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        earlier: Option<&'a Earlier>,
        _: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(async move {
            let (answer, place) = self.take(message, earlier);
            tokio::task::yield_now().await;
            self.world.state().attempts[place].arrived = answer.arrives();
            tokio::task::yield_now().await;
            let why = "a test says so".to_owned();
            match answer {
                Answer::Sent => Delivery::Sent {
                    reference: Some(format!("ref-{place}")),
                    answer: "200".to_owned(),
                },
                Answer::Later(retry_after) => Delivery::Later { why, retry_after },
                Answer::Refused => Delivery::Refused { why },
                Answer::UnknownArrived | Answer::UnknownLost => Delivery::Unknown { why },
                Answer::HangArrived | Answer::HangLost => std::future::pending().await,
            }
        })
    }
}
