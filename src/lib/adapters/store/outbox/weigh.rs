//! What a decision rests on, for whoever decides and for whoever asks why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::claim::going_on;
use super::episodes::before;
use super::{Desk, rows};
use crate::adapters::store::connection::unread;
use crate::adapters::store::publish::latest_rulings;
use crate::adapters::store::read_view::{active, controls};
use crate::domain::incident::{Control, Incident, control};
use crate::domain::notice::{About, Case, Decision, Heard, Notification, Route, decide, silences};
use crate::domain::run::Ruling;
use crate::domain::subject::Key;
use crate::ports::outbox::Reasoned;
use crate::ports::store::StoreError;

/// What decisions rest on beside the incident itself.
pub(super) struct Known {
    controls: BTreeMap<String, Control>,
    /// Findings that another one explains, which is open.
    explained: BTreeMap<Key, Key>,
    /// What was found by runs that may still repair it.
    at_work: BTreeSet<String>,
    /// When each channel last took something.
    took: BTreeMap<String, Timestamp>,
}

impl Known {
    /// What people said. What explains what is not asked: that is known when the run has ended.
    pub(super) async fn of_people(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let (explained, at_work) = (BTreeMap::new(), BTreeSet::new());
        let took = took(connection).await?;
        Ok(Self { controls: controls(connection).await?, explained, at_work, took })
    }

    /// What people said, which of these incidents another one explains, and who is still at work.
    pub(super) async fn of_everything(
        connection: &mut SqliteConnection,
        desk: &Desk<'_>,
        open: &[Incident],
    ) -> Result<Self, StoreError> {
        let explained = explained(latest_rulings(connection).await?, open);
        let runs = going_on(connection, desk).await?;
        let at_work = opened_by(connection, runs).await?;
        let took = took(connection).await?;
        Ok(Self { controls: controls(connection).await?, explained, at_work, took })
    }

    /// Whether the run that found it may still repair it.
    pub(super) fn is_at_work(&self, incident: &Incident) -> bool {
        self.at_work.contains(&incident.id.to_string())
    }

    /// A person's word about this incident, its finding, or its check.
    fn silence(&self, incident: &Incident, now: Timestamp) -> Option<&Control> {
        control::silences_of(incident).into_iter().find_map(|key| {
            let found = self.controls.get(&key);
            found.filter(|silence| silences(silence, incident, now))
        })
    }
}

/// When each channel last took something.
async fn took(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    let all = rows::channels(connection).await?.into_iter();
    Ok(all.filter_map(|channel| Some((channel.name, channel.last_ok?))).collect())
}

/// The active incidents that these runs opened.
async fn opened_by(
    connection: &mut SqliteConnection,
    runs: BTreeSet<String>,
) -> Result<BTreeSet<String>, StoreError> {
    if runs.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut statement = QueryBuilder::<Sqlite>::new(
        "SELECT string_agg(event.subject, ' ') FROM entity JOIN event ON event.subject = entity.id
         WHERE entity.kind = 'incident' AND entity.closed_at IS NULL
         AND event.type = 'incident.opened' AND event.run IN (",
    );
    let mut ids = statement.separated(", ");
    for run in &runs {
        ids.push_bind(run);
    }
    statement.push(")");
    let (incidents,): (Option<String>,) =
        statement.build_query_as().fetch_one(connection).await.map_err(unread)?;
    Ok(incidents.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
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
    let heard = Heard::of(own).since_it_works(known.took.get(&route.channel).copied());
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
    let known = Known::of_everything(connection, desk, &open).await?;
    let told = rows::about(connection, &About::Incident(incident.id)).await?;
    let before = before(connection, incident).await?;
    let mut reasoned = Vec::new();
    for route in &desk.rules.routes {
        let told: Vec<_> = told.iter().filter(|row| row.route == route.name).cloned().collect();
        let decision = weigh(desk, &known, incident, route, (&told, &before));
        let channel = rows::channel(connection, &route.channel).await?;
        let until = channel.not_before.filter(|until| *until > desk.now);
        let why = || channel.last_error.clone().unwrap_or_else(|| "its own pace".to_owned());
        let rests = until.map(|until| (until, why()));
        let (route, channel) = (route.name.clone(), route.channel.clone());
        reasoned.push(Reasoned { route, channel, decision, rests, told });
    }
    Ok(reasoned)
}
