//! The border for words: what a peer said is cleared of the secrets that this program was given, before anything
//! else reads it. The adapters know the shapes of secrets, this knows their values.

use std::time::Duration;

use jiff::Timestamp;

use crate::adapters::redact::Redactor;
use crate::domain::operation::{DataRef, DataState, Upkeep};
use crate::domain::process::{ProcessReading, ProcessRef, Startable};
use crate::domain::sight::{Blind, Scan, Sight};
use crate::domain::upkeep::{BackupSetLook, BucketLook, DatabaseLook, KeyspaceLook};
use crate::ports::Pending;
use crate::ports::data_store::{BackupStore, Bucket, DataStoreControl, Database, Keyspace};
use crate::ports::probe::{ProbeAnswer, ProbeReading, ProbeRequest, Prober};
use crate::ports::processes::{ActFailure, ProcessControl, Processes};

/// A sense or a hand whose words pass a redactor.
#[derive(Clone, Debug)]
pub struct Discreet<T> {
    inner: T,
    redactor: Redactor,
}

impl<T> Discreet<T> {
    /// `inner`, whose words pass `redactor`.
    #[must_use]
    pub const fn new(inner: T, redactor: Redactor) -> Self {
        Self { inner, redactor }
    }

    fn clear(&self, text: &mut String) {
        *text = self.redactor.redact(text);
    }

    fn blind(&self, mut blind: Blind) -> Blind {
        self.clear(&mut blind.why);
        blind
    }

    fn reading(&self, reading: &mut ProcessReading) {
        let said = [&mut reading.identity, &mut reading.last_exit].into_iter().flatten();
        said.for_each(|text| self.clear(text));
        match &mut reading.startable {
            Startable::Plausible { checked } => self.clear(checked),
            Startable::Blocked { why } | Startable::Unprovable { why } => self.clear(why),
        }
    }

    fn scan(&self, mut scan: Scan<ProcessReading>) -> Scan<ProcessReading> {
        scan.items.iter_mut().for_each(|reading| self.reading(reading));
        scan.cut_short.iter_mut().for_each(|why| self.clear(why));
        scan
    }

    fn answer(&self, answer: Result<String, ActFailure>) -> Result<String, ActFailure> {
        match answer {
            Ok(said) => Ok(self.redactor.redact(&said)),
            Err(ActFailure::Refused(why)) => Err(ActFailure::Refused(self.redactor.redact(&why))),
            Err(ActFailure::NotSent(why)) => Err(ActFailure::NotSent(self.redactor.redact(&why))),
            Err(ActFailure::Unknown(why)) => Err(ActFailure::Unknown(self.redactor.redact(&why))),
        }
    }
}

impl<T: Processes> Processes for Discreet<T> {
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>> {
        Box::pin(async {
            let seen = self.inner.list().await;
            seen.map(|scan| self.scan(scan)).map_err(|blind| self.blind(blind))
        })
    }

    /// The text itself stays whole: whoever keeps it cuts and redacts it.
    fn log_tail<'a>(
        &'a self,
        reading: &'a ProcessReading,
        limit_bytes: usize,
    ) -> Pending<'a, Sight<String>> {
        Box::pin(async move {
            let tail = self.inner.log_tail(reading, limit_bytes).await;
            tail.map_err(|blind| self.blind(blind))
        })
    }
}

impl<T: ProcessControl> ProcessControl for Discreet<T> {
    fn restart<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move { self.answer(self.inner.restart(process).await) })
    }

    fn reload<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move { self.answer(self.inner.reload(process).await) })
    }
}

impl<T: Database> Database for Discreet<T> {
    fn look(&self, least_index_bytes: u64) -> Pending<'_, Sight<DatabaseLook>> {
        Box::pin(async move {
            let seen = self.inner.look(least_index_bytes).await;
            seen.map_err(|blind| self.blind(blind))
        })
    }
}

impl<T: BackupStore> BackupStore for Discreet<T> {
    fn look(&self) -> Pending<'_, Sight<BackupSetLook>> {
        Box::pin(async move { self.inner.look().await.map_err(|blind| self.blind(blind)) })
    }
}

impl<T: Bucket> Bucket for Discreet<T> {
    /// Names of objects stay whole: a person runs a command with them.
    fn look(&self, unfinished_before: Timestamp) -> Pending<'_, Sight<BucketLook>> {
        Box::pin(async move {
            let seen = self.inner.look(unfinished_before).await;
            let look = seen.map_err(|blind| self.blind(blind))?;
            Ok(BucketLook {
                usage: look.usage.map_err(|blind| self.blind(blind)),
                unfinished: look.unfinished.map_err(|blind| self.blind(blind)),
            })
        })
    }
}

impl<T: Keyspace> Keyspace for Discreet<T> {
    fn look(&self) -> Pending<'_, Sight<KeyspaceLook>> {
        Box::pin(async move {
            let mut look = self.inner.look().await.map_err(|blind| self.blind(blind))?;
            look.saves.rules = look.saves.rules.map_err(|blind| self.blind(blind));
            Ok(look)
        })
    }
}

impl<T: DataStoreControl> DataStoreControl for Discreet<T> {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        Box::pin(async move { self.inner.read(data).await.map_err(|blind| self.blind(blind)) })
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move { self.answer(self.inner.carry_out(verb, data, time).await) })
    }
}

impl<T: Prober> Prober for Discreet<T> {
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> Pending<'a, ProbeReading> {
        Box::pin(async move {
            let mut reading = self.inner.probe(request).await;
            match &mut reading.answer {
                ProbeAnswer::Http { values, assets, .. } => {
                    for value in values.values_mut() {
                        self.clear(value);
                    }
                    for asset in assets {
                        self.clear(&mut asset.path);
                    }
                }
                ProbeAnswer::Failed { why }
                | ProbeAnswer::NoWay { why }
                | ProbeAnswer::Untrusted { why, .. }
                | ProbeAnswer::NotAsked { why } => self.clear(why),
                ProbeAnswer::Connected | ProbeAnswer::Refused | ProbeAnswer::TimedOut => {}
            }
            reading
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::command::Commands;
    use crate::agent::DeclaredProcess;
    use crate::domain::process::ManagerKind;

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].into_iter().map(str::to_owned).collect()
    }

    fn declared(restart: &str) -> DeclaredProcess {
        DeclaredProcess {
            name: "shop".to_owned(),
            status: shell("echo started-with-hunter2"),
            restart: shell(restart),
            log: None,
        }
    }

    #[tokio::test]
    async fn a_value_that_was_given_is_said_by_nobody() {
        let process =
            ProcessRef { manager: ManagerKind::Command, name: "shop".to_owned(), instance: None };
        for restart in ["echo ok hunter2", "echo no hunter2 >&2; exit 1"] {
            let plain = Commands::new(vec![declared(restart)]);
            let loud = format!("{:?} {:?}", plain.restart(&process).await, plain.list().await);
            assert!(loud.contains(" hunter2") && loud.contains("with-hunter2"), "{loud}");
            let discreet = Discreet::new(plain, Redactor::new(["hunter2".to_owned()]));
            let said = [
                format!("{:?}", discreet.restart(&process).await),
                format!("{:?}", discreet.list().await),
            ];
            for text in said {
                assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
            }
        }
    }
}
