//! What the new settings can reach, tried once each: addresses, process managers, the platform's account, ways to people.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::super::Desk;
use super::super::doctor::managers::manager;
use super::super::doctor::row::{Grade, Row};
use crate::agent::{Agent as _, Need};
use crate::agents::health_guardian::HealthGuardian;
use crate::app::registry;
use crate::app::wire::{self, Wish};
use crate::domain::platform::Account;
use crate::engine::Mode;
use crate::ports::probe::{ProbeAnswer, ProbeRequest};
use crate::ports::sensors::Sensors;
use crate::ports::store::StoreError;

/// A person waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks, and changes nothing: what would be remembered of the platform goes into a folder that is thrown away.
pub(super) async fn look(desk: &Desk<'_>) -> Vec<Row> {
    let mut rows = desk.channels();
    let entry = registry::find(HealthGuardian::SPEC.name.as_str());
    let Some((entry, folder)) = entry.zip(tempfile::tempdir().ok()) else { return rows };
    let engine = wire::engine(
        desk.config,
        entry,
        Wish { mode: Mode::Plan, observe_only: true },
        Err(StoreError::Open("not needed to look".to_owned())),
        Arc::clone(&desk.clock),
        wire::new_run_id(),
        folder.path(),
    );
    let guardian = desk.config.agent::<HealthGuardian>();
    rows.extend(services(&guardian, &engine.sensors).await);
    for need in guardian.needs() {
        if let Need::Manager { kind, declared } = need {
            let seen = match engine.sensors.manager(kind) {
                Ok(manager) => manager.list().await,
                Err(blind) => Err(blind),
            };
            manager(kind.as_str(), &seen, &declared, &mut rows);
        }
    }
    if desk.config.platform.is_some() {
        rows.extend(accounts(desk, folder.path()).await);
    }
    rows.sort();
    rows
}

/// One probe of every address.
async fn services(guardian: &HealthGuardian, sensors: &Sensors) -> Vec<Row> {
    let asked = guardian.probes().map(async |(service, probe)| {
        let about = format!("service {}", service.name);
        let prober = match &sensors.prober {
            Ok(prober) => prober,
            Err(blind) => return (Grade::Blocked, about, blind.why.clone()),
        };
        let request = ProbeRequest {
            url: probe.url.clone(),
            deadline: PATIENCE.min(probe.deadline.get()),
            pointers: Vec::new(),
            assets: false,
        };
        let url = probe.shown_url();
        let (grade, found) = match prober.probe(&request).await.answer {
            ProbeAnswer::Connected => (Grade::Ok, format!("{url} takes connections")),
            ProbeAnswer::Http { status, .. } if probe.status.contains(&status) => {
                (Grade::Ok, format!("{url} answers with {status}"))
            }
            ProbeAnswer::Http { status, .. } => (
                Grade::Blocked,
                format!("{url} answers with {status}, which is not what means well"),
            ),
            ProbeAnswer::Refused => (Grade::Blocked, format!("nobody listens at {url}")),
            ProbeAnswer::TimedOut => (Grade::Blocked, format!("{url} does not answer in time")),
            ProbeAnswer::Failed { why }
            | ProbeAnswer::NoWay { why }
            | ProbeAnswer::Untrusted { why, .. }
            | ProbeAnswer::NotAsked { why } => (Grade::Blocked, format!("{url}: {why}")),
        };
        (grade, about, found)
    });
    join_all(asked).await
}

/// One sign-in of every account, and its end.
async fn accounts(desk: &Desk<'_>, cache: &std::path::Path) -> Vec<Row> {
    use crate::ports::platform::Platform as _;
    let run = wire::new_run_id();
    let client = match wire::platform_client(desk.config, &run, Arc::clone(&desk.clock), cache) {
        Ok(client) => client,
        Err(blind) => return vec![(Grade::Blocked, "platform".to_owned(), blind.why)],
    };
    let mut rows = Vec::new();
    for tenant in client.tenants() {
        let about = format!("platform, tenant {tenant}");
        let listed = client.groups(&tenant).await;
        let standing = client.standing().into_iter().find(|one| one.tenant == tenant);
        rows.push(match (standing.map(|one| one.account), listed) {
            (Some(Account::Unfit { why }), _) => (Grade::Blocked, about, why),
            (_, Err(blind)) => (Grade::Blocked, about, blind.why),
            (Some(Account::Fit), Ok(_)) => {
                (Grade::Ok, about, "its account signs in and may do what agents do".to_owned())
            }
            (Some(Account::Unknown { .. }) | None, Ok(_)) => {
                (Grade::Partial, about, "it answers; the account's rights were not told".to_owned())
            }
        });
    }
    for (tenant, why) in client.release().await {
        rows.push((Grade::Partial, format!("platform, tenant {tenant}"), why));
    }
    rows
}
