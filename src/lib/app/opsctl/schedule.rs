//! `opsctl schedule`: when agents are due, and what becomes of a slot that meets an obstacle. `explain` reads settings only; `next`
//! knows what people suspended, too.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::args::ScheduleVerb;
use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::app::config::AgentSettings;
use crate::app::exit::Exit;
use crate::app::registry::{self, Entry};
use crate::app::wire;
use crate::domain::duration::HumanDuration;
use crate::domain::incident::{Control, control};
use crate::domain::moment;
use crate::domain::planner::Job;
use crate::domain::schedule::{Cadence, Remark};
use crate::domain::subject::AgentName;
use crate::domain::timing::ScheduleSettings;
use crate::ports::store::{Scope, Store as _};

/// A slot that is to come.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SlotTold {
    /// The agent.
    pub agent: AgentName,
    /// The slot: the instant that the expression names.
    pub slot: Timestamp,
    /// When the agent starts: the slot, the offset, and its share of the jitter.
    pub starts_at: Timestamp,
    /// The slot as the local clock shows it, with its offset from UTC.
    pub local: String,
    /// Until when a person keeps the agent from starting, and why, where the slot falls into that time.
    pub suspended: Option<String>,
}

/// An agent's schedule, with what somebody should know about it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScheduleTold {
    /// The agent.
    pub agent: AgentName,
    /// The settings in effect, every default filled in.
    pub settings: ScheduleSettings,
    /// How long after each slot the agent starts on this host, in milliseconds.
    pub delay_ms: u64,
    /// What the coming year does to it, and what else is unusual.
    pub remarks: Vec<String>,
    /// The next slots.
    pub slots: Vec<SlotTold>,
}

/// So far ahead changes of the local clock are looked for.
const A_YEAR: SignedDuration = SignedDuration::from_hours(24 * 366);
/// So many slots stand in an explanation.
const EXPLAINED: usize = 5;

impl Desk<'_> {
    pub(super) async fn schedule(&self, verb: &ScheduleVerb) -> Result<Told, Trouble> {
        match verb {
            ScheduleVerb::Suspend { agent, duration, reason } => {
                self.suspend(agent, duration.get(), reason).await
            }
            ScheduleVerb::Resume { agent, reason } => self.unsuspend(agent, reason).await,
            ScheduleVerb::Next { agent, count } => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                self.next_slots(agent.as_deref(), count).await
            }
            ScheduleVerb::Explain { agent, from, tz } => {
                self.schedule_of(agent, from.unwrap_or_else(|| self.clock.now()), tz.as_deref())
            }
        }
    }

    async fn next_slots(&self, agent: Option<&str>, count: usize) -> Result<Told, Trouble> {
        let is_on = |entry: &&Entry| wire::off(self.config, entry).is_none();
        let of = |entry: &Entry| {
            let name = (entry.spec)().name;
            self.job_of(&name, self.config.of(&name))
        };
        let jobs: Vec<Job> = match agent {
            Some(name) => vec![self.job(name)?.0],
            None => registry::ALL.iter().filter(is_on).map(of).collect(),
        };
        let now = self.clock.now();
        let mut slots: Vec<SlotTold> =
            jobs.iter().flat_map(|job| slots(job, now, count, None)).collect();
        slots.sort_by(|a, b| (a.starts_at, &a.agent).cmp(&(b.starts_at, &b.agent)));
        let controls = self.controls().await?;
        for slot in &mut slots {
            slot.suspended = suspension(&controls, slot, now);
        }
        let text = slots.iter().map(|slot| {
            let suspended = slot.suspended.iter().map(|why| format!("\n{:<18} {why}", ""));
            let suspended: String = suspended.collect();
            format!("{:<18} {}{suspended}\n", slot.agent.as_str(), line(slot))
        });
        Ok(Told { text: text.collect(), json: json!(slots), exit: Exit::Clean })
    }

    /// What people ordered; nothing where nothing is recorded yet.
    async fn controls(&self) -> Result<BTreeMap<String, Control>, Trouble> {
        if self.nothing_is_recorded() {
            return Ok(BTreeMap::new());
        }
        let store = self.store(Access::ReadOnly).await?;
        let scope =
            Scope { about: None, agent: None, recent: Duration::ZERO, now: self.clock.now() };
        let view = store.view(scope).await;
        store.close().await?;
        Ok(view?.controls)
    }

    fn schedule_of(&self, agent: &str, from: Timestamp, tz: Option<&str>) -> Result<Told, Trouble> {
        let zone = tz.map(|name| {
            TimeZone::get(name).map_err(|_| Trouble::usage(format!("`{name}` is not a time zone")))
        });
        let zone = zone.transpose()?;
        let (job, settings) = self.job(agent)?;
        let until = from.checked_add(A_YEAR).unwrap_or(Timestamp::MAX);
        let schedule = job.schedule();
        let on_clock = schedule.remarks_on_clock(from, until);
        let remarks = schedule.remark_on_days().into_iter().chain(on_clock);
        let told = ScheduleTold {
            agent: job.agent().clone(),
            settings: settings.written(),
            delay_ms: u64::try_from(job.delay().as_millis()).unwrap_or(u64::MAX),
            remarks: remarks.map(|remark: Remark| remark.to_string()).collect(),
            slots: slots(&job, from, EXPLAINED, zone.as_ref()),
        };
        let text = explained(&job, &told);
        Ok(Told { text, json: json!(told), exit: Exit::Clean })
    }

    fn job(&self, name: &str) -> Result<(Job, &AgentSettings), Trouble> {
        let mut agents = self.config.agents.iter();
        let Some((name, settings)) = agents.find(|(agent, _)| agent.as_str() == name) else {
            let known: Vec<&str> = self.config.agents.keys().map(AgentName::as_str).collect();
            let known = known.join(", ");
            let message = format!("there is no agent called `{name}`; the agents are {known}");
            return Err(Trouble::usage(message));
        };
        Ok((self.job_of(name, settings), settings))
    }

    fn job_of(&self, name: &AgentName, settings: &AgentSettings) -> Job {
        let (schedule, rules) = (settings.schedule.clone(), settings.rules.clone());
        Job::new(name.clone(), &self.config.host, schedule, rules)
    }
}

/// The next slots that are started after `from`, shown in `zone`, or in the schedule's own.
fn slots(job: &Job, from: Timestamp, count: usize, zone: Option<&TimeZone>) -> Vec<SlotTold> {
    let own = TimeZone::get(job.schedule().zone()).unwrap_or(TimeZone::UTC);
    let zone = zone.unwrap_or(&own);
    let first = from.checked_sub(job.delay()).unwrap_or(from);
    let slots = job.schedule().slots_between(first, Timestamp::MAX).take(count);
    slots
        .map(|slot| SlotTold {
            agent: job.agent().clone(),
            slot,
            starts_at: job.start_of(slot),
            local: slot.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
            suspended: None,
        })
        .collect()
}

/// The suspension that a slot falls into, in words; of two the longer one.
fn suspension(
    controls: &BTreeMap<String, Control>,
    slot: &SlotTold,
    now: Timestamp,
) -> Option<String> {
    let keys = control::suspensions_of(&slot.agent);
    let on = keys.iter().filter_map(|key| controls.get(key)).filter(|one| one.applies(now));
    let covers = |one: &&Control| one.expires_at.is_none_or(|until| slot.starts_at < until);
    let longest = on.filter(covers).max_by_key(|one| one.expires_at.unwrap_or(Timestamp::MAX))?;
    let until = match longest.expires_at {
        Some(until) => format!("until {}", moment::full(until)),
        None => "until somebody resumes it".to_owned(),
    };
    Some(format!("is skipped: suspended {until}: {}", longest.reason))
}

fn line(slot: &SlotTold) -> String {
    let start = slot.starts_at.duration_since(slot.slot).as_secs();
    let start = if start == 0 { String::new() } else { format!(", starts {start} s later") };
    let utc = slot.slot.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    format!("{utc} ({}){start}", slot.local)
}

fn explained(job: &Job, told: &ScheduleTold) -> String {
    let settings = &told.settings;
    let text = |set: Option<HumanDuration>| set.unwrap_or_default().to_string();
    let cadence = match job.schedule().cadence() {
        Cadence::FixedTime => "one time of day",
        Cadence::Interval => "an interval",
    };
    let rules = job.rules();
    let share = HumanDuration::from(job.delay().saturating_sub(rules.offset));
    let mut lines = vec![
        format!("{}: {} in {}, {cadence}", told.agent, settings.cron, settings.zone),
        format!("  starts      offset {}, share of the jitter {share}", settings.offset),
        format!("  takes       at most {}", text(settings.timeout)),
        format!("  late        at most {}", text(settings.catch_up_within)),
        format!(
            "  plans only  when late and the last run is {} old",
            text(settings.plan_only_after)
        ),
        format!("  attempts    {} further ones", settings.retries.max),
    ];
    let agents: Vec<&str> = settings.mutex.iter().map(String::as_str).collect();
    if !agents.is_empty() {
        lines.push(format!("  mutex       {}", agents.join(", ")));
    }
    lines.extend(told.remarks.iter().map(|remark| format!("  note: {remark}")));
    lines.push("  next:".to_owned());
    lines.extend(told.slots.iter().map(|slot| format!("    {}", line(slot))));
    lines.into_iter().map(|line| line + "\n").collect()
}
