//! Loading what a batch of events touches, before they are applied: few statements, however many events.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::connection::unread;
use super::rows::{AT_ONCE, Kind, parsed};
use crate::domain::entities::{Entities, EntityRef};
use crate::domain::incident::Remediation;
use crate::ports::store::StoreError;

/// A row that may be there, by the column that finds it.
type Place = (Kind, &'static str, String);

const BY_ID: &str = "id";
const BY_KEY: &str = "live_key";

/// Loads these entities, as far as they are there. A remediation brings its incident and its grant along: applying gives
/// the attempt and the grant back to those that the remediation names, whatever the event says.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    touched: BTreeSet<EntityRef>,
) -> Result<Entities, StoreError> {
    let mut set = Entities::default();
    read(connection, &mut set, touched.into_iter().map(place_of).collect()).await?;
    let brought: BTreeSet<Place> =
        set.remediations().values().flat_map(|one| named(&set, one)).collect();
    read(connection, &mut set, brought).await?;
    Ok(set)
}

fn place_of(wanted: EntityRef) -> Place {
    match wanted {
        EntityRef::Incident(id) => (Kind::Incident, BY_ID, id.to_string()),
        EntityRef::ActiveIncident(key) => (Kind::Incident, BY_KEY, key.to_string()),
        EntityRef::Remediation(id) => (Kind::Remediation, BY_ID, id.to_string()),
        EntityRef::OpenRemediation(key) => (Kind::Remediation, BY_KEY, key.to_string()),
        EntityRef::Approval(id) => (Kind::Approval, BY_ID, id.to_string()),
        EntityRef::OpenApproval(key) => (Kind::Approval, BY_KEY, key.to_string()),
        EntityRef::Control(key) => (Kind::Control, BY_ID, key),
    }
}

/// What a remediation names and the set lacks.
fn named(set: &Entities, one: &Remediation) -> Vec<Place> {
    let incident = one.incident.filter(|id| !set.incidents().contains_key(id));
    let approval = one.approval.filter(|id| !set.approvals().contains_key(id));
    let incident = incident.map(EntityRef::Incident);
    incident.into_iter().chain(approval.map(EntityRef::Approval)).map(place_of).collect()
}

async fn read(
    connection: &mut SqliteConnection,
    set: &mut Entities,
    places: BTreeSet<Place>,
) -> Result<(), StoreError> {
    let places: Vec<Place> = places.into_iter().collect();
    for part in places.chunks(AT_ONCE) {
        let mut statement = QueryBuilder::<Sqlite>::new("");
        let alike = part.chunk_by(|one, next| (one.0, one.1) == (next.0, next.1));
        for (nth, group) in alike.enumerate() {
            let (kind, column, _) = group[0];
            statement.push(if nth == 0 { "" } else { " UNION ALL " });
            statement.push("SELECT kind, doc FROM entity WHERE kind = ");
            statement.push_bind(kind.as_str()).push(" AND ").push(column).push(" IN (");
            let mut names = statement.separated(", ");
            for (_, _, name) in group {
                names.push_bind(name);
            }
            statement.push(")");
        }
        let rows: Vec<(String, String)> =
            statement.build_query_as().fetch_all(&mut *connection).await.map_err(unread)?;
        for (kind, doc) in rows {
            put(set, &kind, &doc)?;
        }
    }
    Ok(())
}

fn put(set: &mut Entities, kind: &str, doc: &str) -> Result<(), StoreError> {
    match Kind::ALL.into_iter().find(|known| known.as_str() == kind) {
        Some(Kind::Incident) => set.put_incident(parsed(doc)?),
        Some(Kind::Remediation) => set.put_remediation(parsed(doc)?),
        Some(Kind::Approval) => set.put_approval(parsed(doc)?),
        Some(Kind::Control) => set.put_control(parsed(doc)?),
        None => {}
    }
    Ok(())
}
