//! Decisions as rows: what is due is put in, what is no longer is taken out.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use super::doubt::{doubted, is_on_its_way, withdraw};
use super::episodes::{before, ended};
use super::weigh::{Known, weigh};
use super::{Desk, other, rows};
use crate::adapters::store::append::new_id;
use crate::adapters::store::load::load;
use crate::adapters::store::open::SqliteStore;
use crate::adapters::store::publish::view_input;
use crate::adapters::store::read_view::active;
use crate::adapters::store::rows::cut;
use crate::domain::entities::EntityRef;
use crate::domain::event::RecordedEvent;
use crate::domain::incident::{ApprovalId, Incident, IncidentId, RunId};
use crate::domain::notice::{About, Decision, Kind, Notification, NotificationState, Route};
use crate::domain::severity::Priority;
use crate::domain::view::roll_up;
use crate::ports::outbox::Wanted;
use crate::ports::store::StoreError;

/// What caused a decision.
#[derive(Clone, Debug, Default)]
struct Cause {
    event: Option<u64>,
    run: Option<RunId>,
}

/// Decides about the incidents that these events are about, in their own transaction.
pub(in crate::adapters::store) async fn reconcile_touched(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    events: &[RecordedEvent],
) -> Result<(), StoreError> {
    let Some(rules) = store.options().notices.as_deref() else { return Ok(()) };
    let desk = Desk { store, rules, now: cut(store.options().clock.now()) };
    let mut touched: BTreeMap<IncidentId, Cause> = BTreeMap::new();
    for event in events {
        if let Ok(id) = event.new.event.subject().parse::<IncidentId>() {
            touched.insert(id, Cause { event: Some(event.seq), run: event.new.run.clone() });
        }
    }
    for event in events {
        if let Ok(id) = event.new.event.subject().parse::<ApprovalId>() {
            other::request(connection, &desk, id, Some(event.seq)).await?;
        }
    }
    // A person's word may cover what is about to leave.
    let of_silence = |event: &RecordedEvent| event.new.event.subject().starts_with("silence:");
    let known = if events.iter().any(of_silence) {
        let open = active(connection, None).await?;
        for incident in &open {
            touched.entry(incident.id).or_default();
        }
        Known::of_everything(connection, &desk, &open).await?
    } else if touched.is_empty() {
        return Ok(());
    } else {
        Known::of_people(connection).await?
    };
    let wanted = touched.keys().map(|id| EntityRef::Incident(*id)).collect();
    let incidents = load(connection, wanted).await?.into_parts().incidents;
    reconcile_each(connection, &desk, &known, &incidents, touched).await.map(drop)
}

/// Decides about everything that may have become due.
pub(super) async fn everything(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    wanted: &Wanted,
) -> Result<(), StoreError> {
    let (waiting, aside) = rows::readable(connection, desk.now).await?;
    for (channel, why) in aside {
        tracing::error!("{why}");
        let mut channel = rows::channel(connection, &channel).await?;
        channel.failed(desk.now, &why, 1);
        rows::save_channel(connection, &channel).await?;
    }
    withdraw_homeless(connection, desk, waiting).await?;
    let open: Vec<Incident> = active(connection, None).await?;
    let known = Known::of_everything(connection, desk, &open).await?;
    other::requests(connection, desk).await?;
    let ended = ended(connection, desk).await?;
    let incidents: Vec<Incident> = open.into_iter().chain(ended).collect();
    let held = reconcile_each(connection, desk, &known, &incidents, BTreeMap::default()).await?;
    let input = view_input(connection, desk.store, desk.now).await?;
    for route in desk.rules.routes.iter().filter(|route| route.is_of(desk.rules.environment)) {
        if route.status {
            let counts = |one: &Incident| !held.contains(&(route.name.clone(), one.id));
            other::status(connection, desk, route, roll_up(&input, counts)).await?;
        }
        if route.digest {
            other::digest(connection, desk, route).await?;
        }
    }
    if wanted.dashboard {
        other::dashboards(connection, desk).await?;
    }
    rows::forget(connection, desk.now).await
}

/// What was decided for a route or a channel that settings no longer have leaves by nobody.
async fn withdraw_homeless(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    waiting: Vec<Notification>,
) -> Result<(), StoreError> {
    for mut row in waiting {
        let routed = desk.rules.routes.iter().any(|route| route.name == row.route);
        let needs_none = matches!(row.about, About::Dashboard | About::Test);
        if desk.rules.channels.contains_key(&row.channel) && (routed || needs_none) {
            continue;
        }
        withdraw(&mut row, desk, "settings no longer have its route or its channel");
        rows::save(connection, &row).await?;
    }
    Ok(())
}

/// Which route is kept from which incident for a time.
type HeldBack = BTreeSet<(String, IncidentId)>;

/// Decides about each of these incidents and every route.
async fn reconcile_each(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    known: &Known,
    incidents: &[Incident],
    mut causes: BTreeMap<IncidentId, Cause>,
) -> Result<HeldBack, StoreError> {
    let mut held = HeldBack::default();
    let mut told = rows::about_each(connection, incidents).await?;
    for incident in incidents {
        let told = told.remove(&About::Incident(incident.id).to_string()).unwrap_or_default();
        let cause = causes.remove(&incident.id).unwrap_or_default();
        let routes = reconcile(connection, desk, known, (incident, &told), &cause).await?;
        held.extend(routes.into_iter().map(|route| (route, incident.id)));
    }
    Ok(held)
}

/// Decides about one incident, of which so much was told, and every route; the names of those that are kept from it.
async fn reconcile(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    known: &Known,
    (incident, told): (&Incident, &[Notification]),
    cause: &Cause,
) -> Result<Vec<String>, StoreError> {
    let mut kept = Vec::new();
    let before = before(connection, incident).await?;
    for route in &desk.rules.routes {
        let of_route = |row: &&Notification| row.route == route.name;
        let mut own: Vec<Notification> = told.iter().filter(of_route).cloned().collect();
        let open = own.iter().position(|row| row.finished_at.is_none());
        if open.is_some_and(|place| is_on_its_way(&own[place], desk)) {
            // What becomes of that decides about the rest.
            continue;
        }
        if let Some(row) = open.map(|place| &mut own[place]) {
            doubted(connection, desk, row, incident).await?;
        }
        let decision = weigh(desk, known, incident, route, (&own, &before));
        let open = own.into_iter().find(|row| row.finished_at.is_none());
        let held = matches!(decision, Decision::Nothing { held_back: true, .. });
        if held || known.is_at_work(incident) {
            kept.push(route.name.clone());
        }
        let about = About::Incident(incident.id);
        let priority = Priority::of(incident.severity, desk.rules.environment);
        apply(connection, desk, route, open, (about, priority), decision, cause).await?;
    }
    Ok(kept)
}

async fn apply(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    route: &Route,
    open: Option<Notification>,
    (about, priority): (About, Priority),
    decision: Decision,
    cause: &Cause,
) -> Result<(), StoreError> {
    match (decision, open) {
        (Decision::Nothing { .. }, None) => Ok(()),
        (Decision::Nothing { why, .. }, Some(mut row)) => {
            withdraw(&mut row, desk, &why);
            rows::save(connection, &row).await
        }
        (Decision::Tell { kind, not_before, for_digest, why }, open) => {
            let mut row = open.unwrap_or_else(|| Notification {
                not_before,
                run: cause.run.clone(),
                caused_by: cause.event,
                ..fresh(desk, &route.name, &route.channel, about)
            });
            if row.for_digest && !for_digest {
                row.not_before = not_before;
            } else if row.attempts == 0 {
                row.not_before = row.not_before.min(not_before);
            }
            (row.kind, row.priority, row.for_digest, row.why) = (kind, priority, for_digest, why);
            rows::save(connection, &row).await
        }
    }
}

/// A notification that nothing is known of yet but whom it is for.
pub(super) fn fresh(desk: &Desk<'_>, route: &str, channel: &str, about: About) -> Notification {
    Notification {
        id: new_id(desk.now),
        route: route.to_owned(),
        channel: channel.to_owned(),
        about,
        kind: Kind::Opened,
        priority: Priority::P3,
        state: NotificationState::Pending,
        created_at: desk.now,
        not_before: desk.now,
        for_digest: false,
        caused_by: None,
        run: None,
        attempts: 0,
        doubts: 0,
        lease_until: None,
        message: None,
        thread: None,
        reference: None,
        alone: false,
        why: String::new(),
        outcome: None,
        told: None,
        finished_at: None,
    }
}
