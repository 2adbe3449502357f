//! The shop that most stories are about: its settings, its troubles, and what its ledger says afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::world::{World, app, http};
use opswarden::agents::health_guardian::HealthGuardian;
use opswarden::agents::health_guardian::settings::{Probe, Service};
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{Incident, Remediation};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::process::{ManagerKind, ProcessStatus};
use opswarden::domain::report::Report;
use opswarden::ports::probe::{AssetReading, NamedAssets, ProbeAnswer};
use opswarden::ports::store::{Batch, Scope, Store};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn url(name: &str) -> String {
    format!("http://127.0.0.1:4000/{name}")
}

pub(crate) fn probe(url: &str) -> Probe {
    Probe {
        name: String::new(),
        url: url.to_owned(),
        status: BTreeSet::from([200]),
        body: BTreeMap::from([("/status".to_owned(), BTreeSet::from(["ok".to_owned()]))]),
        degraded: BTreeMap::from([("/status".to_owned(), BTreeSet::from(["degraded".to_owned()]))]),
        assets: false,
        deadline: HumanDuration::secs(10),
    }
}

pub(crate) fn service(name: &str, dependencies: Option<&[&str]>) -> Service {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Service {
        name: name.to_owned(),
        manager: ManagerKind::Pm2,
        process: name.to_owned(),
        dependencies: dependencies.map(owned),
        command: None,
        probes: vec![probe(&url(name))],
    }
}

pub(crate) fn guardian(services: Vec<Service>) -> HealthGuardian {
    HealthGuardian { services, ..HealthGuardian::default() }
}

/// A world in which `names` run and answer.
pub(crate) fn healthy(names: &[&str]) -> World {
    let world = World::new();
    for name in names {
        world.process(&app(name)).answer(&url(name), http(200, "ok"));
    }
    world
}

pub(crate) fn shop() -> (World, HealthGuardian) {
    (healthy(&["shop"]), guardian(vec![service("shop", Some(&[]))]))
}

pub(crate) fn crash(world: &World, name: &str) {
    world.status(&app(name), ProcessStatus::Errored);
    world.answer(&url(name), ProbeAnswer::Refused);
}

/// A page that is well itself, and names one asset that answers with this status.
pub(crate) fn page_with_asset(status: u16) -> ProbeAnswer {
    let mut page = http(200, "ok");
    if let ProbeAnswer::Http { assets, named, .. } = &mut page {
        *named = NamedAssets::Own;
        assets.push(AssetReading { path: "/app.js".to_owned(), status: Some(status) });
    }
    page
}

pub(crate) async fn view(world: &World) -> LedgerView {
    let store = world.store().await;
    let recent = Duration::from_hours(365 * 24);
    let view = store
        .view(Scope { about: None, agent: None, recent, now: world.now() })
        .await
        .expect("holds in this test");
    let report = opswarden::adapters::store::verify(&store).await.expect("holds in this test");
    assert!(report.is_clean(), "{:?}", report.findings);
    store.close().await.expect("holds in this test");
    view
}

pub(crate) async fn only_incident(world: &World) -> Incident {
    let view = view(world).await;
    let mut all: Vec<Incident> = view.active.into_iter().chain(view.resolved).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub(crate) async fn last_remediation(world: &World) -> Remediation {
    view(world)
        .await
        .remediations
        .into_iter()
        .max_by_key(|found| found.id)
        .expect("holds in this test")
}

pub(crate) fn reason(report: &Report, check: &str) -> String {
    let found = report.plan.deferrals.iter().find(|one| one.key.check.as_str() == check);
    found.map(|one| one.ruling.reason()).unwrap_or_default()
}

pub(crate) async fn set_control(world: &World, key: &str, on: bool, minutes: Option<u64>) {
    let now = world.now();
    let event = Event::ControlChanged {
        control: key.to_owned(),
        on,
        reason: "maintenance".to_owned(),
        facts: BTreeMap::new(),
        expires_at: minutes.map(|minutes| {
            now.checked_add(MINUTE * u32::try_from(minutes).expect("holds in this test"))
                .expect("holds in this test")
        }),
    };
    commit(world, event).await;
}

/// Something that a person did.
pub(crate) async fn commit(world: &World, event: Event) {
    let store = world.store().await;
    let now = world.now();
    let new = NewEvent { at: now, actor: "human:test".to_owned(), run: None, event };
    let scope = Scope { about: None, agent: None, recent: Duration::ZERO, now };
    let mut decide = |_: &LedgerView| Batch { events: vec![new.clone()], notes: Vec::new() };
    store.commit(scope, &mut decide).await.expect("holds in this test");
    store.close().await.expect("holds in this test");
}
