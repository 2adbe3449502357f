//! A platform that tests describe row by row, what is judged of it, and what was recalled before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::checks::AGENT;
use super::{ContentLifecycle, Fault, Snapshot};
use crate::agent::{Agent, Remedy, Scope, Step};
use crate::domain::diagnosis::{Diagnosis, Sample, Standing};
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::platform::{
    ContentDetail, ContentRow, ContentStatus, Dialect, PlaylistItem, PlaylistRow, RowKind, RowRef,
    Storage,
};
use crate::domain::run::Recall;
use crate::domain::severity::Severity;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Key, Subject, SubjectKind};
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::data_store::StoreSensors;
use crate::ports::platform::Platform;
use crate::ports::sensors::Sensors;

/// The tenant of a world that has one.
pub(super) const ACME: &str = "acme";

/// Now, on our clock.
pub(super) fn our_now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Now, on the platform's: seven minutes behind ours.
pub(super) fn platform_now() -> Timestamp {
    "2026-11-20T11:53:00Z".parse().unwrap()
}

/// So many minutes before now, as the platform counts.
pub(super) fn minutes_ago(minutes: i64) -> Timestamp {
    platform_now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

/// So many days before now, as the platform counts.
pub(super) fn days_ago(days: i64) -> Timestamp {
    minutes_ago(days * 24 * 60)
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Content,
    Layouts,
    Playlists,
    Storage,
    Details,
    Thumbnails,
}

impl List {
    pub(super) const ALL: [Self; 6] = [
        Self::Content,
        Self::Layouts,
        Self::Playlists,
        Self::Storage,
        Self::Details,
        Self::Thumbnails,
    ];
}

/// One tenant as it is, and how much of it is shown.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) content: Vec<(ContentRow, ContentDetail)>,
    pub(super) playlists: Vec<PlaylistRow>,
    pub(super) storage: Storage,
    /// Lists that end early, and why.
    pub(super) cut: BTreeMap<List, String>,
    /// Questions without an answer, and why.
    pub(super) blind: BTreeMap<List, String>,
    /// Rows that a list which is cut short does not get to: ids of content and playlists.
    pub(super) hidden: BTreeSet<String>,
    /// Rows that the list still has and the platform does not.
    pub(super) vanished: BTreeSet<String>,
    /// Thumbnails that are gone.
    pub(super) dead: BTreeSet<String>,
    /// Whom the thumbnails are asked of that do not lie with the platform.
    pub(super) origins: BTreeMap<String, String>,
    /// Thumbnails that are their own address.
    pub(super) inline: BTreeSet<String>,
    /// Thumbnails on hosts that may not be asked.
    pub(super) foreign: BTreeMap<String, String>,
}

/// A platform.
#[derive(Debug)]
pub(super) struct World {
    pub(super) dialect: Dialect,
    pub(super) settings: ContentLifecycle,
    pub(super) tenants: BTreeMap<String, Tenant>,
    /// Whose details were asked, in order.
    pub(super) asked: Mutex<Vec<String>>,
    /// Which single rows were asked.
    pub(super) singles: Mutex<Vec<String>>,
}

impl Clone for World {
    fn clone(&self) -> Self {
        Self {
            dialect: self.dialect,
            settings: self.settings.clone(),
            tenants: self.tenants.clone(),
            asked: Mutex::default(),
            singles: Mutex::default(),
        }
    }
}

/// A platform with one tenant that has nothing and stores nothing.
pub(super) fn world(dialect: Dialect) -> World {
    let tenant = Tenant {
        content: Vec::new(),
        playlists: Vec::new(),
        storage: Storage { used_bytes: 0, quota_bytes: 1000 },
        cut: BTreeMap::new(),
        blind: BTreeMap::new(),
        hidden: BTreeSet::new(),
        vanished: BTreeSet::new(),
        dead: BTreeSet::new(),
        origins: BTreeMap::new(),
        inline: BTreeSet::new(),
        foreign: BTreeMap::new(),
    };
    World {
        dialect,
        settings: ContentLifecycle::default(),
        tenants: BTreeMap::from([(ACME.to_owned(), tenant)]),
        asked: Mutex::default(),
        singles: Mutex::default(),
    }
}

/// A subject of `acme`.
pub(super) fn content(id: &str) -> Subject {
    RowRef::new(RowKind::Content, ACME, id).subject()
}

pub(super) fn storage_subject() -> Subject {
    Subject::new(SubjectKind::Tenant, ACME, "storage")
}

pub(super) fn key(check: &CheckId, subject: Subject) -> Key {
    Key::new(AGENT, check.clone(), subject)
}

/// What was judged.
pub(super) struct Judged {
    pub(super) agent: ContentLifecycle,
    pub(super) snapshot: Snapshot,
    pub(super) diagnosis: Diagnosis<Fault>,
}

impl World {
    pub(super) fn acme(&mut self) -> &mut Tenant {
        self.tenants.get_mut(ACME).unwrap()
    }

    /// Active content that is 60 days old, has everything, and that nothing refers to.
    pub(super) fn add(&mut self, id: &str) -> &mut (ContentRow, ContentDetail) {
        let row = ContentRow {
            id: id.to_owned(),
            name: format!("the {id}"),
            kind: "image".to_owned(),
            status: ContentStatus::Active,
            thumbnail: Some(format!("/thumbnails/{id}.png")),
            size_bytes: Some(1024 * 1024),
            created_at: days_ago(60),
            updated_at: days_ago(50),
        };
        let content = &mut self.acme().content;
        content.push((row, ContentDetail::default()));
        content.last_mut().unwrap()
    }

    /// The same, in a playlist.
    pub(super) fn add_held(&mut self, id: &str) -> &mut (ContentRow, ContentDetail) {
        let item =
            PlaylistItem { content: id.to_owned(), status: ContentStatus::Active, layout: false };
        let playlist =
            PlaylistRow { id: format!("p-{id}"), name: format!("p-{id}"), items: vec![item] };
        self.acme().playlists.push(playlist);
        self.add(id)
    }

    pub(super) fn cut(&mut self, list: List) -> &mut Self {
        self.acme().cut.insert(list, "the list was cut".to_owned());
        self
    }

    pub(super) fn blind(&mut self, list: List) -> &mut Self {
        self.acme().blind.insert(list, "no answer".to_owned());
        self
    }

    pub(super) fn hide(&mut self, id: &str) -> &mut Self {
        self.acme().hidden.insert(id.to_owned());
        self
    }

    /// Looks and judges.
    pub(super) fn judge_with(self: &Arc<Self>, scope: &Scope, recall: &Recall) -> Judged {
        let sensors = sensors(Ok(Arc::<Self>::clone(self)));
        judge(&self.settings, &sensors, scope, recall)
    }

    pub(super) fn judge(&self) -> Judged {
        Arc::new(self.clone()).judge_with(&Scope::Everything, &Recall::default())
    }

    pub(super) fn judge_after(&self, recall: &Recall) -> Judged {
        Arc::new(self.clone()).judge_with(&Scope::Everything, recall)
    }
}

/// Eyes for the platform alone.
pub(super) fn sensors(platform: Sight<Arc<dyn Platform>>) -> Sensors {
    let blind = || Blind::because("not looked at here");
    Sensors {
        prober: Err(blind()),
        host: Err(blind()),
        managers: BTreeMap::new(),
        platform,
        stores: StoreSensors::none(),
        host_name: "host-a".to_owned(),
        clock: Arc::new(Stopped),
        deadline: Duration::from_mins(1),
    }
}

pub(super) fn judge(
    settings: &ContentLifecycle,
    sensors: &Sensors,
    scope: &Scope,
    recall: &Recall,
) -> Judged {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let snapshot = runtime.block_on(settings.observe(sensors, scope, recall));
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot, "it can be recorded");
    let diagnosis = settings.detect(&snapshot, recall, our_now());
    for check in ContentLifecycle::SPEC.checks {
        assert!(diagnosis.checks.contains_key(&check.id), "{} is missing", check.id);
    }
    Judged { agent: settings.clone(), snapshot, diagnosis }
}

impl Judged {
    /// The ids of everything that a check found.
    pub(super) fn found(&self, check: &CheckId) -> Vec<String> {
        let is_faulty = |subject: &&Subject| {
            matches!(self.diagnosis.standing(check, subject), Standing::Faulty(..))
        };
        let findings = &self.diagnosis.checks[check].findings;
        findings.keys().filter(is_faulty).map(|subject| subject.id().to_owned()).collect()
    }

    /// `healthy`, `faulty`, `gone` or `unknown`.
    pub(super) fn stands(&self, check: &CheckId, subject: &Subject) -> &'static str {
        match self.diagnosis.standing(check, subject) {
            Standing::Healthy(_) => "healthy",
            Standing::Faulty(..) => "faulty",
            Standing::Gone | Standing::Excused { .. } => "gone",
            Standing::Unknown { .. } => "unknown",
        }
    }

    pub(super) fn fault(&self, check: &CheckId, subject: &Subject) -> &Fault {
        match self.diagnosis.standing(check, subject) {
            Standing::Faulty(fault, _) => fault,
            other => panic!("{check} of {subject} is {other:?}"),
        }
    }

    pub(super) fn remedy(&self, check: &CheckId, subject: &Subject) -> Remedy {
        self.agent.remedy(subject, self.fault(check, subject), &self.snapshot, our_now())
    }

    /// The step that is proposed.
    pub(super) fn step(&self, check: &CheckId, subject: &Subject) -> Step {
        match self.remedy(check, subject) {
            Remedy::Act(step) => step,
            Remedy::Leave { why } => panic!("left alone: {why}"),
        }
    }

    /// Why nothing is proposed.
    pub(super) fn left(&self, check: &CheckId, subject: &Subject) -> String {
        match self.remedy(check, subject) {
            Remedy::Leave { why } => why,
            Remedy::Act(step) => panic!("{}", step.operation),
        }
    }

    pub(super) fn whole(&self, check: &CheckId) -> bool {
        self.diagnosis.checks[check].coverage == crate::domain::diagnosis::Coverage::Whole
    }

    /// How many active pieces of content the census of a check has; `None` where nothing may be acted on.
    pub(super) fn census(&self, check: &CheckId) -> Option<u64> {
        self.diagnosis.checks[check].census.get(ACME).map(|census| census.seen)
    }

    /// Every act that is proposed and whose population is known, as the gate sees it.
    pub(super) fn acts(&self) -> BTreeSet<String> {
        let mut acts = BTreeSet::new();
        for check in ContentLifecycle::SPEC.checks.iter().map(|check| &check.id) {
            for subject in self.diagnosis.checks[check].findings.keys() {
                if self.stands(check, subject) == "faulty"
                    && let Remedy::Act(step) = self.remedy(check, subject)
                {
                    acts.insert(format!("{check} {subject}: {}", step.operation));
                }
            }
        }
        acts
    }
}

/// Active incidents of these findings.
pub(super) fn recall(keys: impl IntoIterator<Item = Key>) -> Recall {
    let incident = |key| Incident {
        id: IncidentId(1),
        key,
        severity: Severity::Info,
        message: String::new(),
        facts: BTreeMap::new(),
        opened_at: our_now(),
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
        last_operation: None,
        escalated: None,
        acknowledged: None,
        resolved: None,
    };
    Recall { incidents: keys.into_iter().map(incident).collect(), ..Recall::default() }
}

/// A series of `acme` with these values, newest first, a quarter of an hour apart; the newest a quarter of an hour ago.
pub(super) fn series(name: &str, what: &str, values: &[f64]) -> Recall {
    let subject = Subject::new(SubjectKind::Tenant, ACME, what);
    let at = |place: usize| {
        let minutes = 15 * i64::try_from(place + 1).unwrap();
        our_now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
    };
    let sample = |(place, value): (usize, &f64)| Sample {
        series: name.to_owned(),
        subject: subject.clone(),
        at: at(place),
        value: *value,
    };
    let samples = values.iter().enumerate().map(sample).collect();
    let of_series = BTreeMap::from([(subject.clone(), samples)]);
    Recall { series: BTreeMap::from([(name.to_owned(), of_series)]), ..Recall::default() }
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        our_now()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Pending<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
