//! An agent that no product has: it wants one named piece of content put away. On the live platform a piece that was never
//! active cannot be given its state back, so a person must want that.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::agent::{Agent, Need, Problem, Remedy, Scope, Step};
use opswarden::domain::diagnosis::{Diagnosis, Fault};
use opswarden::domain::operation::{Guard, Operation};
use opswarden::domain::platform::{
    Asked, ContentRow, ContentStatus, Field, Listing, Roll, RowKind, RowRef,
};
use opswarden::domain::run::Recall;
use opswarden::domain::severity::Severity;
use opswarden::domain::sight::{Blind, Sight};
use opswarden::domain::spec::{CheckClass, CheckSpec, Spec};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject};
use opswarden::ports::sensors::Sensors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) const AGENT: AgentName = AgentName::of("tidy");
const UNWANTED: CheckId = CheckId::of("unwanted");
pub(crate) const TENANT: &str = "default";

/// Wants one piece of content put away.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Tidy {
    /// Its id.
    pub(crate) piece: String,
    /// Whether only the row itself tells that its state cannot be given back.
    pub(crate) guards_nothing: bool,
    /// Whether it is left alone after all.
    pub(crate) leaves: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unwanted {
    name: String,
    status: ContentStatus,
}

impl Fault for Unwanted {
    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn message(&self) -> String {
        format!("`{}` is not wanted", self.name)
    }

    fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("name".to_owned(), self.name.clone())])
    }

    fn caused_by(&self) -> Option<Key> {
        None
    }
}

impl Agent for Tidy {
    const SPEC: Spec = Spec {
        name: AGENT,
        summary: "wants one piece of content put away",
        cron: "*/15 * * * *",
        checks: &[CheckSpec {
            id: UNWANTED,
            summary: "a piece of content is not wanted",
            worst: Severity::Info,
            class: CheckClass::Incident,
            raise: 1,
            clear: 1,
            settle: Duration::from_secs(1),
        }],
        series: &[],
        watches: false,
    };
    type Snapshot = Sight<Listing<ContentRow>>;
    type Fault = Unwanted;

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Platform]
    }

    async fn observe(&self, sensors: &Sensors, _: &Scope, _: &Recall) -> Self::Snapshot {
        sensors.platform.as_ref().map_err(Clone::clone)?.content(TENANT).await
    }

    fn detect(&self, seen: &Self::Snapshot, recall: &Recall, _: Timestamp) -> Diagnosis<Unwanted> {
        let asked = recall.incidents.iter().map(|incident| &incident.key);
        let list = match seen {
            Ok(list) => list,
            Err(Blind { why }) => return Roll::all_blind(&Self::SPEC, asked, why),
        };
        let mut roll = Roll::new(&Self::SPEC, asked);
        let subject = |row: &ContentRow| RowRef::new(RowKind::Content, TENANT, &row.id).subject();
        let kept =
            |row: &&ContentRow| row.id == self.piece && row.status != ContentStatus::Archived;
        for row in list.items.iter().filter(kept) {
            let fault = Unwanted { name: row.name.clone(), status: row.status };
            roll.faulty(&UNWANTED, subject(row), fault, list.at);
        }
        roll.settle(&UNWANTED, TENANT, list.at, |_| Asked::Well);
        roll.census(&UNWANTED, TENANT, list.items.len());
        roll.into_diagnosis(&[TENANT.to_owned()])
    }

    fn remedy(
        &self,
        subject: &Subject,
        fault: &Unwanted,
        _: &Self::Snapshot,
        _: Timestamp,
    ) -> Remedy {
        if self.leaves {
            return Remedy::Leave { why: "it may be wanted after all".to_owned() };
        }
        let row = RowRef::new(RowKind::Content, subject.scope(), subject.id());
        let status = (Field::Status, Some(fault.status.as_str().to_owned()));
        let fields = if self.guards_nothing { BTreeMap::new() } else { BTreeMap::from([status]) };
        Remedy::Act(Step {
            operation: Operation::ArchiveContent(row),
            guard: Guard::SameRow { fields },
            why: "nobody wants it".to_owned(),
        })
    }
}
