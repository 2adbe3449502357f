//! What fleet-manager sees.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::checks::AGENT;
use crate::agent::Scope;
use crate::agent::tenant::{RowLook, TenantLook};
use crate::domain::platform::{Dialect, DisplayRow};
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{Key, SubjectKind};
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
    /// Single displays, because of these findings.
    Proof {
        /// What is to be proved.
        keys: BTreeSet<Key>,
        /// The displays.
        displays: Vec<RowLook<DisplayRow>>,
    },
}

pub(super) async fn observe(sensors: &Sensors, scope: &Scope) -> Snapshot {
    let platform = match &sensors.platform {
        Ok(platform) => platform.as_ref(),
        Err(Blind { why }) => return Snapshot { platform: Err(Blind::because(why)) },
    };
    let looks = match scope {
        Scope::Everything => {
            let mut tenants = Vec::new();
            for tenant in platform.tenants() {
                tenants.push(TenantLook::at(platform, &tenant).await);
            }
            Looks::Everything(tenants)
        }
        Scope::Proof(keys) => {
            let keys: BTreeSet<Key> =
                keys.iter().filter(|key| key.agent == AGENT).cloned().collect();
            let displays = displays(sensors, platform, &keys).await;
            Looks::Proof { keys, displays }
        }
    };
    let (dialect, tenants) = (platform.dialect(), platform.tenants());
    Snapshot { platform: Ok(Seen { dialect, tenants, looks }) }
}

async fn displays(
    sensors: &Sensors,
    platform: &dyn Platform,
    keys: &BTreeSet<Key>,
) -> Vec<RowLook<DisplayRow>> {
    let rows: BTreeSet<(&str, &str)> = keys
        .iter()
        .filter(|key| key.subject.kind() == SubjectKind::Display)
        .map(|key| (key.subject.scope(), key.subject.id()))
        .collect();
    let mut looks = Vec::with_capacity(rows.len());
    for (tenant, id) in rows {
        let row = platform.display(tenant, id).await;
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        looks.push(RowLook {
            tenant,
            id,
            row,
            platform_now: platform.platform_now(),
            at: sensors.now(),
        });
    }
    looks
}
