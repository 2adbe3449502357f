//! What a decision rests on, for whoever decides and for whoever asks why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::episodes::before;
use super::{Desk, rows};
use crate::adapters::store::publish::latest_rulings;
use crate::adapters::store::read_view::{active, controls};
use crate::domain::incident::{Control, Incident, control};
use crate::domain::notice::{About, Case, Decision, Heard, Notification, Route, decide};
use crate::domain::run::Ruling;
use crate::domain::subject::Key;
use crate::ports::outbox::Reasoned;
use crate::ports::store::StoreError;

/// What decisions rest on beside the incident itself.
pub(super) struct Known {
    controls: BTreeMap<String, Control>,
    /// Findings that another one explains, which is open.
    explained: BTreeMap<Key, Key>,
}

impl Known {
    /// What people said. What explains what is not asked: that is known when the run has ended.
    pub(super) async fn of_people(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        Ok(Self { controls: controls(connection).await?, explained: BTreeMap::new() })
    }

    /// What people said, and which of these incidents another one explains.
    pub(super) async fn of_everything(
        connection: &mut SqliteConnection,
        open: &[Incident],
    ) -> Result<Self, StoreError> {
        let explained = explained(latest_rulings(connection).await?, open);
        Ok(Self { controls: controls(connection).await?, explained })
    }

    /// A person's word about this incident, its finding, or its check.
    fn silence(&self, incident: &Incident, now: Timestamp) -> Option<&Control> {
        control::silences_of(incident).into_iter().find_map(|key| {
            let found = self.controls.get(&key);
            found.filter(|silence| silence.applies(now))
        })
    }
}

fn explained(rulings: BTreeMap<Key, Ruling>, open: &[Incident]) -> BTreeMap<Key, Key> {
    let open: BTreeSet<&Key> = open.iter().map(|incident| &incident.key).collect();
    let folded = rulings.into_iter().filter_map(|(key, ruling)| match ruling {
        Ruling::Folded { into } if open.contains(&into) => Some((key, into)),
        _ => None,
    });
    folded.collect()
}

/// Decides about one incident and one route, of whose notifications `own` are about it and some of `before` about the episodes
/// that it is a relapse of.
pub(super) fn weigh(
    desk: &Desk<'_>,
    known: &Known,
    incident: &Incident,
    route: &Route,
    (own, before): (&[Notification], &[Notification]),
) -> Decision {
    let heard = Heard::of(own);
    let heard_before = Heard::of(before.iter().filter(|row| row.route == route.name));
    decide(&Case {
        incident,
        route,
        heard: &heard,
        heard_before: incident.relapse_of.map(|_| &heard_before),
        silence: known.silence(incident, desk.now),
        explained_by: known.explained.get(&incident.key),
        rules: desk.rules,
        now: desk.now,
    })
}

/// What every route was told of an incident, and what is decided about it now.
pub(super) async fn why(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    incident: &Incident,
) -> Result<Vec<Reasoned>, StoreError> {
    let open = active(connection, None).await?;
    let known = Known::of_everything(connection, &open).await?;
    let told = rows::about(connection, &About::Incident(incident.id)).await?;
    let before = before(connection, incident).await?;
    let reasoned = desk.rules.routes.iter().map(|route| {
        let told: Vec<_> = told.iter().filter(|row| row.route == route.name).cloned().collect();
        let decision = weigh(desk, &known, incident, route, (&told, &before));
        Reasoned { route: route.name.clone(), channel: route.channel.clone(), decision, told }
    });
    Ok(reasoned.collect())
}
