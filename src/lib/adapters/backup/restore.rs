//! Restoring the newest backup into a server of its own, and looking whether what was backed up is there.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _};

use super::BackupSet;
use super::attest::{Expected, attest};
use super::clear::Unclear;
use super::folder::{self, unwritten};
use super::programs::finished;
use super::scratch::{Scratch, USER};
use crate::adapters::postgres::in_words;
use crate::adapters::private_file;
use crate::adapters::store::hex;
use crate::domain::upkeep::{BackupSource, Flaw, FoundBackup, Level, RestoreProof};
use crate::ports::processes::ActFailure;

/// The database that it is restored into.
const RESTORED: &str = "restored";

impl BackupSet {
    /// Restores the newest, looks at it, writes down what was found, and leaves nothing else of it.
    pub(super) async fn prove(&self, time: Duration) -> Result<String, ActFailure> {
        let all = self.found().map_err(ActFailure::Refused)?;
        let Some(newest) = all.first() else {
            return Err(ActFailure::NotSent("there is no backup to restore".to_owned()));
        };
        self.provable(Some(newest)).await.map_err(ActFailure::NotSent)?;
        let began = self.clock.elapsed();
        let found = self.restored(newest, time).await.map_err(ActFailure::Refused)?;
        let took = self.clock.elapsed().saturating_sub(began).as_millis();
        let proved_at = self.clock.now();
        let (holds, flaw) = match found {
            Ok(holds) => (holds, None),
            Err(flaw) => ("nothing that can be relied on".to_owned(), Some(flaw)),
        };
        let good_for = self.declared.prove_every.get() + self.declared.grace.get();
        let proof = RestoreProof {
            backup: newest.name.clone(),
            taken_at: newest.taken_at,
            proved_at,
            restore_ms: u64::try_from(took).unwrap_or(u64::MAX),
            holds,
            good_until: proved_at.checked_add(good_for).ok().filter(|_| flaw.is_none()),
            level: flaw.as_ref().map(|flaw| flaw.level),
            fault: flaw.map(|flaw| flaw.why),
        };
        let kept = private_file::folder(&self.place.notes)
            .and_then(|()| folder::keep_proof(&self.place.notes, &proof));
        kept.map_err(|error| unwritten(&error))?;
        match proof.fault {
            None => Ok(format!(
                "{} holds {}; restored in {:.1} s",
                proof.backup,
                proof.holds,
                Duration::from_millis(proof.restore_ms).as_secs_f64()
            )),
            Some(why) => Err(ActFailure::Refused(format!("{} is no good: {why}", proof.backup))),
        }
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
        private_file::folder(&self.place.scratch)
            .map_err(|error| format!("{} cannot be made: {error}", self.place.scratch.display()))?;
        let notes = self.place.notes.display().to_string();
        let mark = hex(&Sha256::digest(notes.as_bytes())[..4]);
        let scratch =
            Scratch::start(&self.programs, &self.place.scratch, &mark, &self.clock).await?;
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
        prepare(scratch, live).await?;
        let clear = match self.clear(&self.folder.join(&backup.name), time).await {
            Ok(clear) => clear,
            Err(Unclear::Flawed(why)) => return Ok(Err(Flaw::new(Level::Intact, why))),
            Err(Unclear::Unread(why)) => return Err(why),
        };
        let file = clear.path().display().to_string();
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
            &file,
        ];
        let restore = self.programs.program("pg_restore", &words)?;
        let restore = restore.env("PGHOST", scratch.host()).env("PGUSER", USER).deadline(time);
        if let Err(why) = finished(restore.run().await) {
            let why = format!("it cannot be restored: {}", why.replace("pg_restore: error: ", ""));
            return Ok(Err(Flaw::new(Level::Restored, why)));
        }
        let recorded = backup.record.as_ref().and_then(|record| record.source.as_ref());
        let expected = Expected {
            declared: &self.declared,
            source: recorded.or(live),
            of_its_moment: recorded.is_some(),
            taken_at: backup.taken_at,
        };
        let mut session = scratch.session(RESTORED).await?;
        let attested = attest(&mut session, &expected).await;
        let _nothing_is_lost = session.close().await;
        Ok(attested.map_err(|why| Flaw::new(Level::Attested, why)))
    }
}

/// Makes the database, and the roles that a dump may name.
async fn prepare(scratch: &Scratch, live: Option<&BackupSource>) -> Result<(), String> {
    let mut session = scratch.session("postgres").await?;
    let roles = live.iter().flat_map(|source| &source.roles);
    let roles =
        roles.filter(|role| *role != USER).map(|role| format!("CREATE ROLE {role} NOLOGIN"));
    let database = format!("CREATE DATABASE {RESTORED} TEMPLATE template0");
    let mut done = Ok(());
    for statement in roles.chain([database]) {
        // Roles' names are as their own server quoted them.
        let made = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut session).await;
        done = done.and(made.map(drop).map_err(|error| in_words(&error)));
    }
    let _nothing_is_lost = session.close().await;
    done.map_err(|why| format!("no database could be made to restore into: {why}"))
}
