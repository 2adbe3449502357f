//! Restoring the newest backup into a server of its own, and looking whether what was backed up is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::attest::{Expected, attest};
use super::chosen::chosen;
use super::clear::Unclear;
use super::dumped::Dumped;
use super::folder::{self, Tried};
use super::home::AtHand;
use super::letters::{Letters, is_of_an_order};
use super::programs::{complaint, finished, is_of_this_host};
use super::rows::Then;
use super::scratch::{PORT, Scratch, USER};
use super::{BackupSet, place};
use crate::adapters::child::Outcome;
use crate::adapters::postgres::in_words;
use crate::adapters::store::hex;
use crate::domain::upkeep::{BackupSource, FoundBackup, Level};
use crate::ports::clock::Clock;
use crate::ports::processes::ActFailure;

/// The database that it is restored into.
const RESTORED: &str = "restored";
/// What of a dump to be restored is in a file of this name.
const LIST: &str = "list";

/// What a restore takes is what a person would wait for after a disaster: until a backup is at hand and in the clear, a server
/// runs and the dump is in it. To look at the backup before and at the rows afterwards is ours.
struct Stopwatch {
    clock: Arc<dyn Clock>,
    took: Duration,
}

/// What is restored, and what it is held against.
struct Dump<'a> {
    backup: &'a FoundBackup,
    /// In the clear.
    file: &'a Path,
    /// Its database as it is now, where that can be asked.
    live: Option<&'a BackupSource>,
}

impl Stopwatch {
    async fn of<T>(&mut self, work: impl Future<Output = T>) -> T {
        let began = self.clock.elapsed();
        let done = work.await;
        self.took += self.clock.elapsed().saturating_sub(began);
        done
    }
}

impl BackupSet {
    /// Restores the newest, looks at it, writes down what was found, and leaves nothing else of it.
    pub(super) async fn prove(&self, time: Duration) -> Result<String, ActFailure> {
        let all = self.found().await.map_err(ActFailure::Refused)?;
        let Some(newest) = all.first() else {
            return Err(ActFailure::NotSent("there is no backup to restore".to_owned()));
        };
        self.provable(Some(newest)).await.map_err(ActFailure::NotSent)?;
        let live = self.live(newest).await.map_err(ActFailure::NotSent)?;
        let mut watch = Stopwatch { clock: Arc::clone(&self.clock), took: Duration::ZERO };
        let found = match self.restored(newest, live.as_ref(), time, &mut watch).await {
            Ok(holds) => Ok(holds),
            Err(Unclear::Flawed(flaw)) => Err(flaw),
            Err(Unclear::Unread(why)) => return Err(ActFailure::Refused(why)),
        };
        let tried = Tried {
            backup: newest.name.clone(),
            taken_at: newest.taken_at,
            proved_at: self.clock.now(),
            took: watch.took,
            good_for: self.declared.prove_every.get() + self.declared.grace.get(),
        };
        folder::conclude(&self.place.notes, tried, found)
    }

    /// The declared database as it is now. Who may not look there has nothing to hold a backup against that has no record.
    async fn live(&self, backup: &FoundBackup) -> Result<Option<BackupSource>, String> {
        let Some(database) = &self.database else { return Ok(None) };
        let source = match database {
            Ok(database) => database.source().await,
            Err(blind) => Err(blind.clone()),
        };
        match source {
            Ok(source) => Ok(Some(source)),
            Err(_) if backup.source().is_some() => Ok(None),
            Err(blind) => Err(format!("what it should hold cannot be seen: {blind}")),
        }
    }

    /// What it holds.
    async fn restored(
        &self,
        backup: &FoundBackup,
        live: Option<&BackupSource>,
        time: Duration,
        watch: &mut Stopwatch,
    ) -> Result<String, Unclear> {
        let (flaws, _) = self.examined(backup).await;
        if let Some(flaw) = flaws.into_iter().next() {
            return Err(Unclear::Flawed(flaw));
        }
        let place = self.scratch().await.map_err(Unclear::Unread)?;
        // Asked before anything is fetched, and again when that has taken its own room.
        let needed = self.needed_bytes(backup).await;
        place::has_room(&place, needed).map_err(Unclear::Unread)?;
        let file = watch.of(self.at_hand(backup, time)).await?;
        // What was fetched has come a long way since it was read last.
        let altered = match (&file, &backup.record) {
            (AtHand::Fetched(_), Some(record)) => folder::altered(&file.path(), record),
            (AtHand::Fetched(_) | AtHand::Lying(_), _) => None,
        };
        if let Some(why) = altered {
            return Err(Unclear::flawed(Level::Intact, why));
        }
        let clear = watch.of(self.clear(&file.path(), time)).await?;
        place::has_room(&place, needed).map_err(Unclear::Unread)?;
        let mark = self.mark();
        let started = Scratch::start(&self.programs, &place, &mark, &self.clock);
        let scratch = watch.of(started).await.map_err(Unclear::Unread)?;
        let dump = Dump { backup, file: &clear.path(), live };
        let found = self.restored_in(&scratch, &dump, time, watch).await;
        scratch.end().await;
        found
    }

    async fn restored_in(
        &self,
        scratch: &Scratch,
        dump: &Dump<'_>,
        time: Duration,
        watch: &mut Stopwatch,
    ) -> Result<String, Unclear> {
        let list = self.programs.list(dump.file, time).await.map_err(Unclear::Unread)?;
        let list = list.map_err(|why| Unclear::flawed(Level::Intact, why))?;
        let contents = self.programs.contents(dump.file, &list, time).await.unwrap_or_default();
        let prepared = watch.of(prepare(scratch, dump.live, &contents.letters));
        let lacks = prepared.await.map_err(Unclear::Unread)?;
        let loaded = watch.of(self.load(scratch, dump, &list, time)).await;
        loaded.map_err(|unclear| in_another_order(unclear, lacks.as_deref()))?;
        let recorded = dump.backup.source();
        let expected = Expected {
            declared: &self.declared,
            source: recorded.or(dump.live),
            database: self.database.as_ref().and_then(|database| database.as_deref().ok()),
            of_its_moment: recorded.is_some(),
            then: self.then(contents.tables).await,
            taken_at: dump.backup.taken_at,
        };
        let session = scratch.session_within(RESTORED, time).await;
        let mut session = session.map_err(Unclear::Unread)?;
        let attested = attest(&mut session, &expected).await;
        let _nothing_is_lost = session.close().await;
        attested.map(|told| std::iter::once(told).chain(lacks).collect::<Vec<_>>().join(", "))
    }

    /// Puts what of a dump may be restored for a proof into the database.
    async fn load(
        &self,
        scratch: &Scratch,
        dump: &Dump<'_>,
        list: &str,
        time: Duration,
    ) -> Result<(), Unclear> {
        let list = scratch.keep(LIST, &chosen(list)).map_err(Unclear::Unread)?;
        let (list, plain) = (list.display().to_string(), dump.file.display().to_string());
        // What belongs to nobody here, or lies on no disk of its own here, is restored all the same.
        let words = [
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-tablespaces",
            "--no-security-labels",
            "--no-publications",
            "--no-subscriptions",
            "--no-password",
            "--use-list",
            &list,
            "--dbname",
            RESTORED,
            &plain,
        ];
        let restore = self.programs.program("pg_restore", &words).map_err(Unclear::Unread)?;
        let restore = restore.env("PGHOST", scratch.host()).env("PGPORT", PORT.to_string());
        let restore = restore.env("PGUSER", USER).deadline(time);
        let said = match restore.run().await {
            Outcome::Exited { code: 0, .. } => return Ok(()),
            Outcome::Exited { stderr, .. } => {
                complaint(&stderr).unwrap_or_else(|| "it gives no reason".to_owned())
            }
            other => return finished(other).map(drop).map_err(Unclear::Unread),
        };
        let why = format!("it cannot be restored: {said}");
        // Whose roles are not known here may not be restored here; that says nothing about the dump.
        let stranger = dump.live.is_none() && said.contains("role \"");
        if stranger || is_of_this_host(&said) {
            return Err(Unclear::Unread(why));
        }
        Err(Unclear::flawed(Level::Restored, why))
    }

    /// The tables in use and those in a dump, by the numbers that they have there.
    async fn then(&self, dumped: Dumped) -> Then {
        let oids = match &self.database {
            Some(Ok(database)) => database.table_oids().await.unwrap_or_default(),
            Some(Err(_)) | None => BTreeMap::new(),
        };
        Then { oids, dumped }
    }

    /// What our own folders and files of a restore are told by from those of others.
    pub(super) fn mark(&self) -> String {
        let notes = self.place.notes.display().to_string();
        hex(&Sha256::digest(notes.as_bytes())[..4])
    }
}

/// Makes the database, and the roles that a dump may name; says which locale of it this host lacks.
async fn prepare(
    scratch: &Scratch,
    live: Option<&BackupSource>,
    letters: &Letters,
) -> Result<Option<String>, String> {
    let mut session = scratch.session("postgres").await?;
    let roles = live.iter().flat_map(|source| &source.roles);
    let roles = roles.filter(|role| *role != USER);
    let mut done = Ok(());
    for role in roles {
        // Roles' names are as their own server quoted them.
        done = done.and(said(&mut session, format!("CREATE ROLE {role} NOLOGIN")).await);
    }
    // Bytes that are none in another encoding are no flaw of a dump, and neither is what a locale makes of them.
    let tries = letters.tries();
    let (mut made, mut last) = (Err(String::new()), 0);
    for (place, with) in tries.iter().enumerate() {
        let database = format!("CREATE DATABASE {RESTORED} TEMPLATE template0{with}");
        (made, last) = (said(&mut session, database).await, place);
        if made.is_ok() {
            break;
        }
    }
    let _nothing_is_lost = session.close().await;
    let done = done.and(made);
    done.map_err(|why| format!("no database could be made to restore into: {why}"))?;
    let lacks = letters.locale().filter(|_| last > 0 && last + 1 == tries.len());
    Ok(lacks.map(|locale| format!("this host lacks the locale {locale}")))
}

/// Whether a statement was carried out, and else why not.
async fn said(session: &mut PgConnection, statement: String) -> Result<(), String> {
    let said = sqlx::raw_sql(AssertSqlSafe(statement)).execute(session).await;
    said.map(drop).map_err(|error| in_words(&error))
}

/// What is wrong with a dump that was restored without its own locale: that may be why.
fn in_another_order(unclear: Unclear, lacks: Option<&str>) -> Unclear {
    match (unclear, lacks) {
        (Unclear::Flawed(flaw), Some(lacks)) if is_of_an_order(&flaw.why) => {
            Unclear::Unread(format!("{}; {lacks}", flaw.why))
        }
        (unclear, _) => unclear,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;

    use super::*;
    use crate::ports::Pending;

    /// Time goes by as far as somebody sleeps.
    #[derive(Default)]
    struct Asleep(Mutex<Duration>);

    impl Clock for Asleep {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn sleep(&self, time: Duration) -> Pending<'_, ()> {
            Box::pin(async move { *self.0.lock().unwrap() += time })
        }
    }

    #[tokio::test]
    async fn only_what_a_person_would_wait_for_is_timed() {
        let clock: Arc<dyn Clock> = Arc::new(Asleep::default());
        let mut watch = Stopwatch { clock: Arc::clone(&clock), took: Duration::ZERO };
        watch.of(clock.sleep(Duration::from_secs(2))).await;
        clock.sleep(Duration::from_secs(10)).await;
        watch.of(clock.sleep(Duration::from_secs(3))).await;
        assert_eq!(watch.took, Duration::from_secs(5));
    }
}
