//! The hands on a database: one statement each, about one object.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use sqlx::FromRow;
use sqlx::postgres::PgRow;

use super::Postgres;
use super::names::about;
use super::session::{LOCK, end};
use super::statements::{INDEX, PLACE, TABLE};
use crate::adapters::disk_room;
use crate::domain::operation::{DataKind, DataRef, DataState, Measure, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::REBUILD_PATIENCE;
use crate::ports::Pending;
use crate::ports::data_store::{DataStoreControl, no_such_verb};
use crate::ports::processes::ActFailure;

impl DataStoreControl for Postgres {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        Box::pin(async move {
            match data.kind {
                DataKind::Table => self.table(data).await,
                DataKind::Index => self.index(data).await,
                DataKind::Database
                | DataKind::Backups
                | DataKind::Keyspace
                | DataKind::Logs
                | DataKind::Log => Err(Blind::because("it is not read this way")),
            }
        })
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            let command = match verb {
                Upkeep::VacuumTable => "VACUUM (ANALYZE)",
                Upkeep::AnalyzeTable => "ANALYZE",
                Upkeep::ReindexIndex => "REINDEX INDEX CONCURRENTLY",
                Upkeep::DropInvalidIndex => "DROP INDEX CONCURRENTLY",
                other => return Err(no_such_verb(other, "a database")),
            };
            let statement = about(command, &data.object).map_err(ActFailure::NotSent)?;
            let before = self.unhindered(verb, &data.object).await.map_err(ActFailure::NotSent)?;
            let began = self.clock.elapsed();
            // A rebuild waits for older transactions; whoever comes to wait behind it is let through all the same.
            let patience = if verb == Upkeep::ReindexIndex { REBUILD_PATIENCE } else { LOCK };
            let done = self.giving_way(statement, patience, time).await;
            if let Err(failure) = done {
                return Err(self.with_what_is_left(verb, failure, &before).await);
            }
            let took = self.clock.elapsed().saturating_sub(began);
            Ok(format!("done in {:.1} s", took.as_secs_f64()))
        })
    }
}

/// Its size; rows that are dead, inserted and changed; its ages; vacuums and analyzes.
type TableRow = (i64, i64, i64, i64, i64, i64, i64, i64);

impl Postgres {
    async fn table(&self, data: &DataRef) -> Sight<Option<DataState>> {
        let found: Option<TableRow> = self.one(TABLE, &data.object).await?;
        Ok(found.map(|(size, dead, inserted, changed, age, multixact, vacuums, analyzes)| {
            state(
                data,
                [
                    (Measure::SizeBytes, size),
                    (Measure::DeadRows, dead),
                    (Measure::InsertedRows, inserted),
                    (Measure::ChangedRows, changed),
                    (Measure::Age, age),
                    (Measure::MultixactAge, multixact),
                    (Measure::Vacuums, vacuums),
                    (Measure::Analyzes, analyzes),
                ],
            )
        }))
    }

    async fn index(&self, data: &DataRef) -> Sight<Option<DataState>> {
        let found: Option<(i64, i64, bool)> = self.one(INDEX, &data.object).await?;
        Ok(found.map(|(size, node, valid)| {
            let measures = [(Measure::SizeBytes, size), (Measure::FileNode, node)];
            let mut state = state(data, measures);
            state.measures.insert(Measure::Valid, valid.to_string());
            state
        }))
    }

    pub(super) async fn has_room(&self, object: &str) -> Result<(), String> {
        match self.one::<(i64, String)>(PLACE, object).await {
            Ok(Some((size, place))) => self.room_for(size, Path::new(&place)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Whether an index of so many bytes can be built anew there: the new one lies beside the old one until it is done, and sorting
    /// it takes room, too. Where the server is on another host, or does not tell where its files are, nobody can look: then its
    /// size alone is bounded.
    pub(super) fn room_for(&self, size_bytes: i64, place: &Path) -> Result<(), String> {
        if !self.is_on_this_host() || disk_room::free_bytes(place).is_err() {
            return Ok(());
        }
        disk_room::has_room(
            place,
            size_bytes.unsigned_abs().saturating_mul(2),
            "the rebuild may take",
        )
    }

    fn is_on_this_host(&self) -> bool {
        let host = self.options.get_host();
        let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.options.get_socket().is_some() || host == "localhost" || is_loopback
    }

    /// The row about one object, if the server has such an object.
    async fn one<R>(&self, question: &'static str, object: &str) -> Sight<Option<R>>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut session = self.eyes().await?;
        let asked = sqlx::query_as(question).persistent(false).bind(object);
        let found = asked.fetch_optional(&mut session).await;
        end(session).await;
        found.map_err(|error| Blind::because(self.unread(&error)))
    }
}

fn state<const N: usize>(data: &DataRef, measures: [(Measure, i64); N]) -> DataState {
    let measures = measures.into_iter().map(|(measure, value)| (measure, value.to_string()));
    DataState { data: data.clone(), measures: measures.collect::<BTreeMap<_, _>>() }
}
