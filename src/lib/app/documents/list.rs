//! Every document with its schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::answers::{
    Acknowledgement, Answered, DemoAccount, Ended, Examined, Explanation, Failure, Imported,
    IncidentLife, LedgerCheck, Paused, Resumed, RouteAnswer, Runbook, SettingsCheck, SettingsShown,
    Silenced, StatusTold, TakenBack, TrialAnswer,
};
use crate::app::opsctl::db::Advice;
use crate::app::opsctl::db_usage::BucketTold;
use crate::app::opsctl::init::told::Initialised;
use crate::app::opsctl::notify_failed::FailedUnit;
use crate::app::opsctl::schedule::{ScheduleTold, SlotTold};
use crate::app::scheduler::Beat;
use crate::app::triggers::Triggers;
use crate::domain::approval::Approval;
use crate::domain::incident::{Incident, Remediation};
use crate::domain::notice::Notification;
use crate::domain::report::Report;
use crate::domain::run::AgentRun;
use crate::domain::saved_plan::SavedPlan;
use crate::engine::tape::Replay;
use crate::render::notice::generic::GenericNotice;

/// A document by the name of its schema, what prints it, and the schema.
pub struct Document {
    /// `docs/json/<name>.schema.json`.
    pub name: &'static str,
    /// The calls that print it, or where it is sent.
    pub printed_by: &'static str,
    /// The schema of what is printed.
    pub schema: Value,
}

/// Every document that is printed.
#[must_use]
pub fn all() -> Vec<Document> {
    vec![
        document::<Report>("report", "<agent> -o json, <agent> --plan -o json"),
        document::<Failure>("failure", "whatever cannot answer at all, with -o json"),
        document::<Replay>("replay", "<agent> --replay FILE -o json"),
        document::<Option<StatusTold>>("status", "opsctl status -o json"),
        document::<Vec<Incident>>("incidents", "opsctl incidents -o json"),
        document::<IncidentLife>("incident", "opsctl incidents show ID -o json"),
        document::<Explanation>("explanation", "opsctl explain ID -o json"),
        document::<Vec<AgentRun>>("runs", "opsctl runs -o json"),
        document::<Vec<Remediation>>("remediations", "opsctl remediations -o json"),
        document::<Paused>("pause", "opsctl pause AGENT -o json"),
        document::<Resumed>("resume", "opsctl resume AGENT -o json"),
        document::<Vec<TakenBack>>("undo", "opsctl undo REMEDIATION -o json"),
        document::<DemoAccount>("demo", "opsctl demo -o json"),
        document::<Vec<Approval>>("approvals", "opsctl approvals -o json"),
        document::<Answered>("answer", "opsctl approve ID -o json, opsctl deny ID -o json"),
        document::<SavedPlan>("plan", "<agent> --plan --out FILE"),
        document::<Ended>("resolve", "opsctl resolve ID -o json"),
        document::<Acknowledgement>("ack", "opsctl ack ID -o json"),
        document::<Silenced>("silence", "opsctl silence WHAT -o json"),
        document::<Vec<Notification>>("notifications", "opsctl notify list -o json"),
        document::<Vec<TrialAnswer>>("notify-test", "opsctl notify test -o json"),
        document::<Vec<RouteAnswer>>("notify-why", "opsctl notify why ID -o json"),
        document::<Runbook>("runbook", "opsctl runbook CHECK -o json"),
        document::<Vec<SlotTold>>("schedule-next", "opsctl schedule next -o json"),
        document::<ScheduleTold>("schedule", "opsctl schedule explain AGENT -o json"),
        document::<Triggers>("generate", "opsctl generate systemd|pm2 -o json"),
        document::<FailedUnit>("notify-failed", "opsctl notify failed UNIT -o json"),
        document::<Vec<Examined>>("doctor", "opsctl doctor -o json"),
        document::<Vec<Advice>>("db-advice", "opsctl db advice -o json"),
        document::<Vec<BucketTold>>("db-usage", "opsctl db usage -o json"),
        document::<Initialised>("init", "opsctl init -o json"),
        document::<LedgerCheck>("ledger-verify", "opsctl ledger verify -o json"),
        document::<Imported>("state-import", "opsctl state import FILE -o json"),
        document::<SettingsCheck>("config-check", "opsctl config check -o json"),
        document::<SettingsShown>("config-show", "opsctl config show -o json"),
    ]
}

/// Documents that no program prints: what is sent to others.
#[must_use]
pub fn sent() -> Vec<Document> {
    vec![
        document::<GenericNotice>("notice", "sent to webhooks of the template `generic`"),
        document::<Beat>("scheduler", "state/scheduler.json"),
    ]
}

fn document<T: JsonSchema>(name: &'static str, printed_by: &'static str) -> Document {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(printed_by));
    Document { name, printed_by, schema: schema.to_value() }
}
