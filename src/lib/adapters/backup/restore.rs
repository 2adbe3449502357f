//! Restoring the newest backup into a server of its own, and looking whether what was backed up is there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _};

use super::BackupSet;
use super::attest::{Expected, attest};
use super::clear::Unclear;
use super::folder::{self, Tried};
use super::home::AtHand;
use super::programs::{ServerPrograms, finished, is_of_this_host};
use super::scratch::{Scratch, USER};
use crate::adapters::child::Outcome;
use crate::adapters::disk_room;
use crate::adapters::postgres::in_words;
use crate::adapters::private_file;
use crate::adapters::store::hex;
use crate::domain::upkeep::{BackupSource, Flaw, FoundBackup, Level};
use crate::ports::processes::ActFailure;

/// The database that it is restored into.
const RESTORED: &str = "restored";
/// So many times the size of a dump has to be free where it is restored.
const ROOM: u64 = 3;

impl BackupSet {
    /// Restores the newest, looks at it, writes down what was found, and leaves nothing else of it.
    pub(super) async fn prove(&self, time: Duration) -> Result<String, ActFailure> {
        let all = self.found().await.map_err(ActFailure::Refused)?;
        let Some(newest) = all.first() else {
            return Err(ActFailure::NotSent("there is no backup to restore".to_owned()));
        };
        self.provable(Some(newest)).await.map_err(ActFailure::NotSent)?;
        let began = self.clock.elapsed();
        let found = self.restored(newest, time).await.map_err(ActFailure::Refused)?;
        let tried = Tried {
            backup: newest.name.clone(),
            taken_at: newest.taken_at,
            proved_at: self.clock.now(),
            took: self.clock.elapsed().saturating_sub(began),
            good_for: self.declared.prove_every.get() + self.declared.grace.get(),
        };
        folder::conclude(&self.place.notes, tried, found)
    }

    /// What it holds, or what is wrong with it; an error where that could not be found out.
    async fn restored(
        &self,
        backup: &FoundBackup,
        time: Duration,
    ) -> Result<Result<String, Flaw>, String> {
        let (flaws, _) = self.examined(backup).await;
        if let Some(flaw) = flaws.into_iter().next() {
            return Ok(Err(flaw));
        }
        let live = match &self.database {
            Some(Ok(database)) => database.source().await.ok(),
            Some(Err(_)) | None => None,
        };
        let mark = self.mark();
        self.has_scratch_room(backup)?;
        let place = self.scratch()?;
        let scratch = Scratch::start(&self.programs, &place, &mark, &self.clock).await?;
        let found = self.restored_in(&scratch, backup, live.as_ref(), time).await;
        scratch.end().await;
        found
    }

    async fn restored_in(
        &self,
        scratch: &Scratch,
        backup: &FoundBackup,
        live: Option<&BackupSource>,
        time: Duration,
    ) -> Result<Result<String, Flaw>, String> {
        let file = match self.at_hand(backup, time).await {
            Ok(file) => file,
            Err(Unclear::Flawed(why)) => return Ok(Err(Flaw::new(Level::Intact, why))),
            Err(Unclear::Unread(why)) => return Err(why),
        };
        // What was fetched has come a long way since it was read last.
        let altered = match (&file, &backup.record) {
            (AtHand::Fetched(_), Some(record)) => folder::altered(&file.path(), record),
            (AtHand::Fetched(_) | AtHand::Lying(_), _) => None,
        };
        if let Some(why) = altered {
            return Ok(Err(Flaw::new(Level::Intact, why)));
        }
        let clear = match self.clear(&file.path(), time).await {
            Ok(clear) => clear,
            Err(Unclear::Flawed(why)) => return Ok(Err(Flaw::new(Level::Intact, why))),
            Err(Unclear::Unread(why)) => return Err(why),
        };
        let plain = clear.path().display().to_string();
        let contents = self.programs.contents(&clear.path(), time).await.unwrap_or_default();
        prepare(scratch, live, contents.encoding.as_deref()).await?;
        // What belongs to nobody here is restored all the same; nothing may begin to follow another server.
        let words = [
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-publications",
            "--no-subscriptions",
            "--no-password",
            "--dbname",
            RESTORED,
            &plain,
        ];
        let restore = self.programs.program("pg_restore", &words)?;
        let restore = restore.env("PGHOST", scratch.host()).env("PGUSER", USER).deadline(time);
        match restore.run().await {
            Outcome::Exited { code: 0, .. } => {}
            Outcome::Exited { stderr, .. } => {
                let said = stderr.first_line().unwrap_or_else(|| "it gives no reason".to_owned());
                let said = said.replace("pg_restore: error: ", "");
                let why = format!("it cannot be restored: {said}");
                // Whose roles are not known here may not be restored here; that says nothing about the dump.
                let stranger = live.is_none() && said.contains("role \"");
                if stranger || is_of_this_host(&said) {
                    return Err(why);
                }
                return Ok(Err(Flaw::new(Level::Restored, why)));
            }
            other => {
                return finished(other).map(|_| Ok(String::new()));
            }
        }
        let recorded = backup.record.as_ref().and_then(|record| record.source.as_ref());
        let expected = Expected {
            declared: &self.declared,
            source: recorded.or(live),
            of_its_moment: recorded.is_some(),
            known: self.known_then(contents.youngest_oid).await,
            taken_at: backup.taken_at,
        };
        let mut session = scratch.session_within(RESTORED, time).await?;
        let attested = attest(&mut session, &expected).await;
        let _nothing_is_lost = session.close().await;
        Ok(attested.map_err(|why| Flaw::new(Level::Attested, why)))
    }
}

impl BackupSet {
    /// The tables in use that were there when a dump was taken whose youngest table has this number.
    async fn known_then(&self, youngest: Option<i64>) -> BTreeSet<String> {
        let (Some(Ok(database)), Some(youngest)) = (&self.database, youngest) else {
            return BTreeSet::new();
        };
        let oids = database.table_oids().await.unwrap_or_default();
        oids.into_iter().filter(|(_, oid)| *oid <= youngest).map(|(table, _)| table).collect()
    }

    /// What our own folders and files of a restore are told by from those of others.
    pub(super) fn mark(&self) -> String {
        let notes = self.place.notes.display().to_string();
        hex(&Sha256::digest(notes.as_bytes())[..4])
    }

    /// Where a server for a restore may lie. Another user could not get into a folder that is ours alone.
    pub(super) fn scratch(&self) -> Result<PathBuf, String> {
        let foreign = ServerPrograms::account()?.is_some();
        let place = self.place.scratch.clone();
        Ok(if foreign { std::env::temp_dir() } else { place })
    }

    /// A database takes more room than its dump, which is packed: three times as much is asked for.
    fn has_scratch_room(&self, backup: &FoundBackup) -> Result<(), String> {
        let place = self.scratch()?;
        private_file::folder(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        disk_room::has_room(&place, backup.size_bytes.saturating_mul(ROOM), "a restore may need")
    }
}

/// Makes the database, and the roles that a dump may name.
async fn prepare(
    scratch: &Scratch,
    live: Option<&BackupSource>,
    encoding: Option<&str>,
) -> Result<(), String> {
    let mut session = scratch.session("postgres").await?;
    let roles = live.iter().flat_map(|source| &source.roles);
    let roles =
        roles.filter(|role| *role != USER).map(|role| format!("CREATE ROLE {role} NOLOGIN"));
    // Bytes that are none in another encoding are no flaw of a dump. The server has no locale that would allow only one.
    let encoding = encoding.map(|name| format!(" ENCODING '{name}'")).unwrap_or_default();
    let database = format!("CREATE DATABASE {RESTORED} TEMPLATE template0{encoding}");
    let mut done = Ok(());
    for statement in roles.chain([database]) {
        // Roles' names are as their own server quoted them.
        let made = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut session).await;
        done = done.and(made.map(drop).map_err(|error| in_words(&error)));
    }
    let _nothing_is_lost = session.close().await;
    done.map_err(|why| format!("no database could be made to restore into: {why}"))
}
