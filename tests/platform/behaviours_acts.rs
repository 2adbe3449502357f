//! What is sent, when it is on record, and what counts as done.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Poll;
use std::time::Duration;

use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{RemediationState, control};
use opswarden::domain::plan::Deferral;
use opswarden::domain::policy::Policy;
use opswarden::domain::report::ExitClass;
use opswarden::domain::run::Ruling;
use opswarden::domain::subject::Key;
use opswarden::ports::clock::Clock as _;
use opswarden::ports::store::{Batch, Scope, Store as _};
use opswarden::sandbox::{Dialect, Fault, FaultKind, Options, Sizes};

use super::world::{NOON, SMALL, Who, World};

const DIALECTS: [Dialect; 2] = [Dialect::Vizora, Dialect::Reference];

async fn world(dialect: Dialect, seed: u64, sizes: Sizes) -> World {
    World::at(NOON, Options { seed, sizes, dialect, ..Options::default() }).await
}

#[tokio::test]
async fn a_display_is_only_told_what_its_platform_truly_offers() {
    let sizes = Sizes { displays: 120, ..SMALL };
    for dialect in DIALECTS {
        let world = world(dialect, 14, sizes).await;
        let report = world.run(Who::Fleet).await;
        let effects = world.sandbox.effects();
        assert!(effects.iter().all(|one| one.applied));
        let words: BTreeSet<&str> = effects.iter().map(|one| one.act.what.as_str()).collect();
        // The live platform reaches only who is connected, and whoever is silent here is not.
        let offered: &[&str] = match dialect {
            Dialect::Vizora => &["reset display"],
            Dialect::Reference => &["ping display", "reset display"],
        };
        assert_eq!(words, offered.iter().copied().collect(), "{dialect:?}");
        let tried = world.remediations().await;
        let verbs: BTreeSet<String> =
            tried.iter().map(|one| one.operation.verb().replace('_', " ")).collect();
        assert!(verbs.iter().all(|verb| words.contains(verb.as_str())), "{dialect:?}: {verbs:?}");
        assert_eq!(report.not_sent, Vec::new(), "{dialect:?}");
        let truth = world.sandbox.truth_now();
        let truth: BTreeSet<(&str, &str)> =
            truth.iter().map(|one| (one.check.as_str(), one.subject.as_str())).collect();
        for act in tried {
            let subject = act.key.subject.to_string();
            let still = truth.contains(&(act.key.check.as_str(), subject.as_str()));
            let mended = act.state == RemediationState::Verified;
            assert_eq!(mended, !still, "{dialect:?}: {act:?}");
            // Only a player that hears nothing is beyond help, and only a ping finds that out.
            assert!(mended || act.operation.verb() == "ping_display", "{dialect:?}: {act:?}");
        }
        let of_silence = |one: &&Deferral| one.key.check.as_str() == "display_offline";
        let left: Vec<&Deferral> = report.plan.deferrals.iter().filter(of_silence).collect();
        assert!(!left.is_empty());
        for one in left {
            // Nothing that could be done is kept for later: it is said that a person has to look.
            let Ruling::Left { why } = &one.ruling else { continue };
            assert!(why.contains("power and network"), "{why}");
            assert!(report.open.iter().any(|open| open.key == one.key), "{}", one.key);
        }
        // A command that does not exist would have been asked for at a route that does not exist.
        let left = world.sandbox.finish().err().unwrap_or_default();
        let unknown: Vec<&String> =
            left.iter().filter(|line| line.starts_with("there is no such route")).collect();
        assert!(unknown.is_empty(), "{dialect:?}: {unknown:?}");
        world.end().await;
    }
}

/// The run is killed as soon as something has arrived at the platform, before its answer can be read.
#[tokio::test]
async fn what_arrived_is_on_record_even_if_nobody_lived_to_read_the_answer() {
    for dialect in DIALECTS {
        for who in Who::ALL {
            let world = world(dialect, 5, SMALL).await;
            let engine = world.engine();
            let mut run = Box::pin(world.run_with(&engine, who));
            let ended = std::future::poll_fn(|context| {
                if world.sandbox.effects().is_empty() {
                    run.as_mut().poll(context).map(Some)
                } else {
                    Poll::Ready(None)
                }
            })
            .await;
            assert_eq!(ended.map(|report| report.counts), None, "nothing was sent");
            drop(run);
            let arrived = world.sandbox.effects();
            let recorded = world.remediations().await;
            assert_eq!((arrived.len(), recorded.len()), (1, 1), "{dialect:?} {who:?}");
            let (arrived, recorded) = (&arrived[0], &recorded[0]);
            assert_eq!(recorded.state, RemediationState::Intended);
            assert!(recorded.operation.target().to_string().ends_with(&arrived.act.row));
            let arrived_at = arrived.at.parse().expect("a moment");
            assert!(recorded.intended_at <= arrived_at, "{recorded:?} {arrived:?}");
            // The next run finds out what came of it by looking, and does not do it again.
            world.pass(Duration::from_mins(2));
            world.run(who).await;
            let again = world.remediations().await;
            let settled = again.iter().find(|one| one.id == recorded.id).expect("it is kept");
            assert_ne!(settled.state, RemediationState::Intended, "{dialect:?} {who:?}");
            let of_row = |one: &&opswarden::sandbox::Effect| one.act.row == arrived.act.row;
            assert_eq!(world.sandbox.effects().iter().filter(of_row).count(), 1, "{who:?}");
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_platform_that_only_says_that_it_did_something_has_mended_nothing() {
    for dialect in DIALECTS {
        for who in Who::ALL {
            let world = world(dialect, 5, SMALL).await;
            let routes = [
                "POST /content/:id/archive",
                "PATCH /content/:id",
                "PATCH /schedules/:id",
                "PATCH /displays/:id",
                "POST /fleet/commands",
            ];
            let lies = routes.map(|route| Fault::always(route, FaultKind::LyingWrite));
            world.sandbox.set_faults(lies.to_vec());
            let report = world.run(who).await;
            world.sandbox.set_faults(Vec::new());
            let claimed = world.sandbox.effects().into_iter().filter(|one| !one.applied).count();
            assert!(claimed > 0, "{dialect:?} {who:?}");
            let truth = world.sandbox.truth_now().into_iter();
            let after: BTreeSet<String> =
                truth.map(|one| format!("{} {}", one.check, one.subject)).collect();
            for act in world.remediations().await {
                let claim = format!("{} {}", act.key.check, act.key.subject);
                let mended = act.state == RemediationState::Verified;
                assert!(!mended || !after.contains(&claim), "{dialect:?}: {act:?}");
            }
            for incident in world.incidents().await.into_iter().filter(|one| !one.is_active()) {
                let claim = format!("{} {}", incident.key.check, incident.key.subject);
                assert!(!after.contains(&claim), "{dialect:?}: {incident:?}");
            }
            assert_ne!(report.exit, ExitClass::Clean, "{dialect:?} {who:?}");
            world.end().await;
        }
    }
}

/// A person keeps the agent from this finding.
async fn hold(world: &World, keys: &[Key]) {
    let now = world.clock.now();
    let event = |key: &Key| NewEvent {
        at: now,
        actor: "human:root".to_owned(),
        run: None,
        event: Event::ControlChanged {
            control: control::hold_of(key),
            on: true,
            reason: "it is wanted".to_owned(),
            expires_at: None,
            facts: BTreeMap::new(),
        },
    };
    let events: Vec<NewEvent> = keys.iter().map(event).collect();
    let scope = Scope { about: None, agent: None, recent: Duration::from_hours(24), now };
    let mut decide = |_: &_| Batch { events: events.clone(), notes: Vec::new() };
    world.store.commit(scope, &mut decide).await.expect("the ledger works");
}

#[tokio::test]
async fn what_is_left_alone_for_ever_keeps_nothing_behind_it_waiting() {
    let sizes = Sizes { displays: 30, content: 400, playlists: 20, schedules: 10, tenants: 1 };
    let mut world = world(Dialect::Vizora, 23, sizes).await;
    world.policy = Policy { quiet_per_run: 5, ..world.policy.clone() };
    let truth = world.sandbox.truth_now();
    let mut keys: Vec<Key> = truth
        .iter()
        .filter(|one| one.check == "content_orphaned" || one.check == "content_expired")
        .map(|one| format!("{}/{}/{}", one.agent, one.check, one.subject))
        .map(|key| key.parse().expect("a key"))
        .collect();
    keys.sort();
    // The last one in every order that a plan could have.
    let last = keys.pop().expect("something is planted");
    assert!(keys.len() > 20, "{}", keys.len());
    hold(&world, &keys).await;
    for _ in 0..3 {
        world.run(Who::Content).await;
        world.pass(Duration::from_hours(1));
    }
    let effects = world.sandbox.effects();
    let rows: Vec<&str> = effects.iter().map(|one| one.act.row.as_str()).collect();
    assert_eq!(rows, [last.subject.id()]);
    world.end().await;
}
