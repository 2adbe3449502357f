//! Requests: each route is told of them once, and anew where nobody got it.

use std::collections::BTreeSet;

use opswarden::domain::approval::{Ask, Verdict};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{ApprovalId, IncidentId};
use opswarden::domain::notice::Route;
use opswarden::domain::operation::{Guard, Operation};
use opswarden::domain::process::{ManagerKind, ProcessRef};
use opswarden::domain::proposal::Proposal;
use opswarden::domain::severity::{Environment, Severity};

use crate::outbox::production;
use crate::world::{Answer, HOUR, MINUTE, World, key, route, run_id};

fn asked(world: &World, approval: u64) -> NewEvent {
    let process = ProcessRef { manager: ManagerKind::Pm2, name: "web".to_owned(), instance: None };
    let ask = Ask {
        proposal: Proposal {
            key: key("display_dark", "a"),
            operation: Operation::RestartProcess(process),
            guard: Guard::SameProcess { status: BTreeSet::new(), identity: None },
            facts: std::collections::BTreeMap::new(),
        },
        incident: Some(IncidentId(1)),
        message: "a does not answer".to_owned(),
        why: "it is not running".to_owned(),
        not_undoable: None,
    };
    let (approval, expires_at) = (ApprovalId(approval), world.now() + HOUR);
    world.event("r", Event::ApprovalRequested { approval, ask, expires_at })
}

#[tokio::test]
async fn a_request_is_told_once_and_not_once_it_is_answered() {
    let only_requests = Route { checks: vec!["none".to_owned()], ..route("team") };
    let world = production(vec![only_requests]);
    let store = world.store().await;
    world.ill(&store, "a", Severity::Critical).await;
    world.commit(&store, vec![asked(&world, 1)]).await;
    for _ in 0..3 {
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE);
    }
    assert_eq!(world.kinds("team"), ["approval"]);
    let denied = |approval| {
        let (verdict, reason) = (Verdict::Denied, "no".to_owned());
        let event = Event::ApprovalDecided { approval, verdict, reason };
        NewEvent { actor: "human:root".to_owned(), run: None, ..world.event("r", event) }
    };
    world.commit(&store, vec![denied(ApprovalId(1))]).await;
    world.commit(&store, vec![asked(&world, 2)]).await;
    world.commit(&store, vec![denied(ApprovalId(2))]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), [""; 0]);
}

#[tokio::test]
async fn a_request_that_nobody_got_is_told_anew_after_an_hour() {
    let world = production(vec![Route { checks: vec!["none".to_owned()], ..route("team") }]);
    let store = world.store().await;
    world.ill(&store, "a", Severity::Critical).await;
    world.answers("team", &[Answer::Refused]);
    world.commit(&store, vec![asked(&world, 1)]).await;
    for minutes in [0, 59, 1] {
        world.pass(MINUTE * minutes);
        world.tell(&store, &run_id("r")).await;
    }
    assert_eq!(world.kinds("team"), ["approval"]);
}

#[tokio::test]
async fn a_request_is_told_to_routes_of_its_agent_and_its_environment() {
    let nothing = vec!["none".to_owned()];
    let of = |name: &str| Route { checks: nothing.clone(), ..route(name) };
    let agents = |agent: &str| vec![agent.to_owned()];
    let world = production(vec![
        Route { agents: agents("fleet-manager"), ..of("team") },
        Route { agents: agents("content-lifecycle"), ..of("b") },
        Route { environments: vec![Environment::Staging], ..of("c") },
    ]);
    let store = world.store().await;
    world.ill(&store, "a", Severity::Critical).await;
    world.commit(&store, vec![asked(&world, 1)]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(["team", "b", "c"].map(|name| world.kinds(name).len()), [1, 0, 0]);
}
