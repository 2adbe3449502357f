//! What an agent sees that judges tenants as a whole: every list of every tenant, or single rows for a proof.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Scope;
use super::tenant::{RowLook, TenantLook};
use crate::domain::platform::{Dialect, DisplayRow, ScheduleRow};
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{AgentName, Key, SubjectKind};
use crate::ports::platform::Platform;
use crate::ports::sensors::Sensors;

/// Everything seen in one pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The platform, or why it cannot be seen.
    pub platform: Sight<Seen>,
}

/// What was seen of the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// How it is spoken to.
    pub dialect: Dialect,
    /// The tenants of the settings.
    pub tenants: Vec<String>,
    /// What was looked at.
    pub looks: Looks,
}

/// A look at everything, or at what is to be proved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// Every tenant.
    Everything(Vec<TenantLook>),
    /// Single rows, because of these findings.
    Proof {
        /// What is to be proved.
        keys: BTreeSet<Key>,
        /// Schedules.
        #[serde(default)]
        schedules: Vec<RowLook<ScheduleRow>>,
        /// Displays.
        displays: Vec<RowLook<DisplayRow>>,
    },
}

/// Looks at what `scope` asks of `agent`.
pub async fn observe(agent: &AgentName, sensors: &Sensors, scope: &Scope) -> Snapshot {
    let platform = match &sensors.platform {
        Ok(platform) => platform.as_ref(),
        Err(Blind { why }) => return Snapshot { platform: Err(Blind::because(why)) },
    };
    let looks = match scope {
        Scope::Everything => {
            // Side by side, so that no tenant waits until the limits have let another one through.
            let tenants = platform.tenants();
            let looks = tenants.iter().map(|tenant| TenantLook::at(platform, tenant));
            Looks::Everything(join_all(looks).await)
        }
        Scope::Proof(keys) => {
            let keys = keys.iter().filter(|key| key.agent == *agent).cloned().collect();
            rows(sensors, platform, keys).await
        }
    };
    let (dialect, tenants) = (platform.dialect(), platform.tenants());
    Snapshot { platform: Ok(Seen { dialect, tenants, looks }) }
}

async fn rows(sensors: &Sensors, platform: &dyn Platform, keys: BTreeSet<Key>) -> Looks {
    let (mut schedules, mut displays) = (Vec::new(), Vec::new());
    let subjects: BTreeSet<_> = keys.iter().map(|key| &key.subject).collect();
    for subject in subjects {
        let (tenant, id) = (subject.scope().to_owned(), subject.id().to_owned());
        match subject.kind() {
            // Two schedules that meet are never acted on.
            SubjectKind::Schedule if !id.contains('+') => {
                let row = platform.schedule(&tenant, &id).await;
                let platform_now = platform.platform_now();
                schedules.push(RowLook { tenant, id, row, platform_now, at: sensors.now() });
            }
            SubjectKind::Display => {
                let row = platform.display(&tenant, &id).await;
                let platform_now = platform.platform_now();
                displays.push(RowLook { tenant, id, row, platform_now, at: sensors.now() });
            }
            _ => {}
        }
    }
    Looks::Proof { keys, schedules, displays }
}
