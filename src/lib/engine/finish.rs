//! The end of a run: tape, row, view, report.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::own_checks;
use super::progress::Progress;
use super::run::{Engine, Mode, tried};
use super::tape::{SoFar, Tape};
use super::tell::Untold;
use crate::domain::event::{Event, NewEvent};
use crate::domain::incident::Incident;
use crate::domain::report::Report;
use crate::domain::run::{AgentRun, RunState};
use crate::domain::spec::Spec;
use crate::ports::outbox::Wanted;
use crate::ports::store::{Batch, Note, RunQuery, StoreError};

impl Engine {
    /// Records that the run was stopped before its end, with what it saw, ruled and taped so far. What it left half done is settled by the
    /// next run.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn abandon(
        &self,
        spec: &Spec,
        started_at: Timestamp,
        state: RunState,
        exit: i32,
    ) -> Result<(), StoreError> {
        self.release().await;
        if self.mode == Mode::Plan {
            return Ok(());
        }
        let tape = self.recording.take().filter(|tape| !tape.passes.is_empty());
        if let Some(tape) = tape
            && let Err(why) = self.store_tape(&tape, true).await
        {
            tracing::warn!("failed to keep the tape: {why}");
        }
        let now = self.clock.now();
        let nothing_yet = || self.progress(spec, started_at);
        let so_far = self.recording.take_so_far().unwrap_or_else(|| self.so_far(&nothing_yet()));
        let SoFar { mut row, mut notes } = so_far;
        row.state = state;
        row.exit = Some(exit);
        row.ended_at = Some(now);
        row.usage = self.used();
        notes.push(Note::Run(Box::new(row)));
        let store = self.store()?;
        store.record(Batch { events: Vec::new(), notes }).await?;
        store.publish(self.clock.now()).await
    }

    /// What the run would leave behind if it ended now.
    pub(super) fn so_far(&self, progress: &Progress) -> SoFar {
        SoFar { row: progress.row(&self.setting.host), notes: progress.notes(self.clock.now()) }
    }

    /// Writes what the run leaves behind and reports.
    pub(super) async fn finish(&self, spec: &Spec, mut progress: Progress) -> Report {
        for trouble in self.release().await {
            progress.trouble(trouble);
        }
        if self.mode == Mode::Plan {
            let open = self.open_incidents(spec, &mut progress).await;
            return progress.report(self.clock.now(), &open);
        }
        let tape_path = self.keep_tape(&mut progress).await;
        let open = self.open_incidents(spec, &mut progress).await;
        let eventful = progress.is_eventful();
        let SoFar { mut row, notes } = self.so_far(&progress);
        let mut report = progress.report(self.clock.now(), &open);
        report.tape = tape_path;
        row.ended_at = Some(report.ended_at);
        row.exit = Some(i32::from(report.code()));
        row.state = report.exit.state();
        row.counts.clone_from(&report.counts);
        row.unknown.clone_from(&report.unknown);
        row.usage = self.used();
        tracing::info!(
            duration_ms = row.usage.get("wall_ms").copied().unwrap_or_default(),
            "the run ended: {}",
            row.state.as_str()
        );
        let unwritten = self.write_end(spec, &report, row, notes, eventful).await.err();
        let unwritten = unwritten.iter().map(|error| Untold::Ours(error.to_string()));
        let mut troubles: Vec<Untold> = unwritten.collect();
        // Whoever watches over all reports the state of all.
        troubles.extend(self.tell_people(Wanted { dashboard: spec.watches }).await);
        for trouble in troubles {
            let trouble = match trouble {
                Untold::Ours(trouble) => {
                    tracing::error!("{trouble}");
                    report.exit = crate::domain::report::ExitClass::Incomplete;
                    trouble
                }
                Untold::Receiver(trouble) => trouble,
            };
            if !report.troubles.contains(&trouble) {
                report.troubles.push(trouble);
            }
        }
        report
    }

    /// Ends every session on the platform, whatever the run came to. What could not be ended.
    pub async fn release(&self) -> Vec<String> {
        let Ok(platform) = &self.sensors.platform else { return Vec::new() };
        let failed = platform.release().await.into_iter().map(|(tenant, why)| {
            format!("the session of tenant {tenant} could not be released: {why}")
        });
        failed.inspect(|trouble| tracing::error!("{trouble}")).collect()
    }

    /// Active incidents of the agent, and of opswarden itself.
    async fn open_incidents(&self, spec: &Spec, progress: &mut Progress) -> Vec<Incident> {
        let Ok(store) = self.store() else { return Vec::new() };
        let read = store.incidents(self.clock.now(), 0).await;
        let mut active = tried(progress, read).unwrap_or_default();
        active.sort_unstable_by_key(|incident| incident.id);
        let (own, others): (Vec<_>, Vec<_>) =
            active.into_iter().partition(|incident| incident.key.agent == spec.name);
        let of_the_house = others.into_iter().filter(|one| one.key.agent == own_checks::SPEC.name);
        own.into_iter().chain(of_the_house).collect()
    }

    async fn keep_tape(&self, progress: &mut Progress) -> Option<String> {
        let tape = self.recording.take()?;
        match self.store_tape(&tape, progress.keeps_tape()).await {
            Ok(path) => Some(path),
            Err(why) => {
                progress.trouble(format!("failed to keep the tape: {why}"));
                None
            }
        }
    }

    async fn store_tape(&self, tape: &Tape, keep: bool) -> Result<String, String> {
        let bytes = serde_json::to_vec(tape).map_err(|error| error.to_string())?;
        self.recorder.record(&tape.agent, &tape.run, keep, &bytes).await
    }

    fn used(&self) -> BTreeMap<String, u64> {
        let mut usage = (self.usage)();
        let wall = self.clock.elapsed().as_millis();
        usage.insert("wall_ms".to_owned(), u64::try_from(wall).unwrap_or(u64::MAX));
        usage
    }

    async fn write_end(
        &self,
        spec: &Spec,
        report: &Report,
        row: AgentRun,
        mut notes: Vec<Note>,
        eventful: bool,
    ) -> Result<(), StoreError> {
        let store = self.store()?;
        let tells = eventful || self.ends_differently(spec, row.state).await?;
        let events = if tells { self.task_events(spec, report, &row) } else { Vec::new() };
        notes.push(Note::Run(Box::new(row)));
        store.record(Batch { events, notes }).await?;
        store.publish(self.clock.now()).await
    }

    /// Whether the last run that ended did so in another state: a clean repeat is no news.
    async fn ends_differently(&self, spec: &Spec, state: RunState) -> Result<bool, StoreError> {
        let query = RunQuery { agent: Some(spec.name.clone()), limit: 2 };
        let runs = self.store()?.runs(query).await?;
        let before = runs.iter().find(|run| run.id != self.run && run.ended_at.is_some());
        Ok(before.is_some_and(|run| run.state != state))
    }

    fn task_events(&self, spec: &Spec, report: &Report, row: &AgentRun) -> Vec<NewEvent> {
        let started = Event::TaskStarted {
            agent: spec.name.clone(),
            run: self.run.clone(),
            trigger: self.trigger.as_str().to_owned(),
        };
        let completed = Event::TaskCompleted {
            agent: spec.name.clone(),
            run: self.run.clone(),
            outcome: row.state.as_str().to_owned(),
            counts: report.counts.clone(),
        };
        vec![
            self.new_event(spec, report.started_at, started),
            self.new_event(spec, report.ended_at, completed),
        ]
    }
}
