//! opswarden's findings about itself: owned by no agent, examined by every run that can see them, never acted on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::judge::Setting;
use super::progress::Progress;
use super::run::{Engine, tried};
use crate::domain::diagnosis::{
    Absence, CheckFindings, Coverage, Diagnosis, Evidence, Origin, Symptom, Verdict,
};
use crate::domain::freshness::History;
use crate::domain::incident::control;
use crate::domain::ledger::LedgerView;
use crate::domain::merge::{MergeInput, Merged, merge};
use crate::domain::notice::{self, ChannelState};
use crate::domain::platform::{Acceptance, Account, Population, TenantStanding};
use crate::domain::run::LastSeen;
use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId, Subject, SubjectKind};
use crate::domain::view::GUARDIAN;
use crate::ports::store::{RunQuery, StoreError};

const STORE_RESCUED: CheckId = CheckId::of("store_rescued");
const REMEDY_INEFFECTIVE: CheckId = CheckId::of("remedy_ineffective");
const CLOCK_JUMPED: CheckId = CheckId::of("clock_jumped");
const LONG_UNKNOWN: CheckId = CheckId::of("long_unknown");
const SESSION_LEAKED: CheckId = CheckId::of("session_leaked");
const ACCOUNT_UNFIT: CheckId = CheckId::of("account_unfit");
const POPULATION_IMPLAUSIBLE: CheckId = CheckId::of("population_implausible");
const CHANNEL_DEAD: CheckId = CheckId::of(notice::CHANNEL_DEAD);
const AGENT_SILENT: CheckId = CheckId::of("agent_silent");

/// A check that gave no answer for so long is a finding of its own.
const LONG: Duration = Duration::from_hours(24);
/// A run that is recorded further in the future than this means that the clock was set back.
const JUMP: Duration = Duration::from_mins(1);

const fn check(id: CheckId, summary: &'static str, worst: Severity) -> CheckSpec {
    CheckSpec {
        id,
        summary,
        worst,
        class: CheckClass::Incident,
        raise: 1,
        clear: 1,
        settle: Duration::ZERO,
    }
}

/// The owner of these findings and its checks.
pub const SPEC: Spec = Spec {
    name: AgentName::HOUSE,
    summary: "what every run finds out about opswarden itself",
    cron: "",
    checks: &[
        check(
            STORE_RESCUED,
            "the ledger was lost and started anew; agents only propose",
            Severity::Critical,
        ),
        check(
            REMEDY_INEFFECTIVE,
            "an operation never helps and was switched off",
            Severity::Warning,
        ),
        check(CLOCK_JUMPED, "this host's clock was set back", Severity::Warning),
        check(LONG_UNKNOWN, "a check has given no answer for a day", Severity::Warning),
        check(
            SESSION_LEAKED,
            "sessions on the platform were opened and not released",
            Severity::Warning,
        ),
        check(ACCOUNT_UNFIT, "the account on the platform cannot do this work", Severity::Warning),
        check(POPULATION_IMPLAUSIBLE, "a tenant has far fewer rows than lately", Severity::Warning),
        check(CHANNEL_DEAD, "a channel to people takes nothing any more", Severity::Warning),
        check(AGENT_SILENT, "an agent has not ended well for three periods", Severity::Critical),
    ],
    series: &[],
    watches: false,
};

/// What these checks looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    view: LedgerView,
    newest_run: Option<Timestamp>,
    answers: LastSeen,
    /// Checks of the agent that gave an answer in this run: a long pause of the agent itself is no doubt of theirs.
    answered: BTreeSet<CheckId>,
    /// What is known of sessions and accounts on the platform.
    #[serde(default)]
    tenants: Vec<TenantStanding>,
    /// How many rows of the platform were seen.
    #[serde(default)]
    populations: Vec<Population>,
    /// How the channels to people have fared.
    #[serde(default)]
    channels: Vec<ChannelState>,
    /// Channels that were used once and that settings no longer have.
    #[serde(default)]
    gone: BTreeSet<String>,
    /// How the other agents ran lately.
    #[serde(default)]
    histories: Vec<History>,
}

/// What a run found out about opswarden itself, for the tape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnPass {
    /// The time that judgement was given.
    pub now: Timestamp,
    /// What was looked at.
    pub seen: Seen,
    /// The ledger before the merge.
    pub before_merge: LedgerView,
    /// What the merge wanted written.
    pub merged: Merged,
}

impl OwnPass {
    /// The same merge, computed again.
    #[must_use]
    pub fn again(&self, agent: &Spec, setting: &Setting) -> Merged {
        merge(&MergeInput {
            spec: &SPEC,
            policy: &setting.policy,
            environment: setting.environment,
            view: &self.before_merge,
            diagnosis: &judge(agent, &self.seen, setting, self.now),
            now: self.now,
        })
    }
}

impl Engine {
    /// Examines opswarden itself and merges what that shows.
    pub(super) async fn own_checks(&self, agent: &Spec, progress: &mut Progress) {
        if !progress.ledger_works() {
            return;
        }
        let looked = self.look_at_ourselves(agent, progress.answered()).await;
        let Some(mut seen) = tried(progress, looked) else { return };
        seen.populations.clone_from(&progress.populations);
        let now = self.clock.now();
        let diagnosis = judge(agent, &seen, &self.setting, now);
        let (before_merge, merged) = self.merged(&SPEC, &diagnosis, now, progress).await;
        self.recording.with(|tape| tape.own = Some(OwnPass { now, seen, before_merge, merged }));
    }

    /// Channels that nothing can leave by any more: no message will ever show that one works again.
    fn gone(&self, channels: &[ChannelState]) -> BTreeSet<String> {
        let Some(telling) = &self.telling else { return BTreeSet::new() };
        let is_gone = |channel: &&ChannelState| {
            channel.is_of_settings() && !telling.channels.contains_key(&channel.name)
        };
        channels.iter().filter(is_gone).map(|channel| channel.name.clone()).collect()
    }

    /// What is known of the tenants' accounts and sessions by now.
    pub(super) fn standing(&self) -> Vec<TenantStanding> {
        let platform = self.sensors.platform.as_ref();
        platform.map(|platform| platform.standing()).unwrap_or_default()
    }

    async fn look_at_ourselves(
        &self,
        agent: &Spec,
        answered: BTreeSet<CheckId>,
    ) -> Result<Seen, StoreError> {
        let store = self.store()?;
        let view = store.view(self.scope(&SPEC, self.clock.now())).await?;
        let runs = store.runs(RunQuery { agent: None, limit: 2 }).await?;
        let others = runs.iter().filter(|run| run.id != self.run);
        let newest_run = others.map(|run| run.started_at).max();
        let answers = store.last_seen(&agent.name).await?;
        let tenants = self.standing();
        let channels = match &self.telling {
            Some(telling) => telling.outbox.channels().await?,
            None => Vec::new(),
        };
        let gone = self.gone(&channels);
        let mut histories = store.histories().await?;
        // This run itself is no silence, and how it will end is not known.
        histories.retain(|history| history.agent != agent.name);
        for history in &mut histories {
            history.runs.truncate(1);
        }
        let populations = Vec::new();
        Ok(Seen {
            view,
            newest_run,
            answers,
            answered,
            tenants,
            populations,
            channels,
            gone,
            histories,
        })
    }
}

/// Why nobody asks whether an agent runs, if so: settings switch it off, or a person suspended its slots.
fn not_asked(history: &History, seen: &Seen, now: Timestamp) -> Option<String> {
    let keys = control::suspensions_of(&history.agent);
    let mut suspended = keys.iter().filter_map(|key| seen.view.controls.get(key));
    let suspended = suspended.find(|found| found.applies(now));
    if let Some(found) = suspended {
        return Some(format!("its slots are suspended by {}: {}", found.set_by, found.reason));
    }
    (!history.enabled).then(|| "settings switch the agent off".to_owned())
}

fn judge(agent: &Spec, seen: &Seen, setting: &Setting, now: Timestamp) -> Diagnosis<Symptom> {
    let host = &setting.host;
    let mut diagnosis = Diagnosis::default();
    let mut put = |check: CheckId, subject: Subject, fault: Option<Symptom>| {
        let evidence = Evidence::once(Origin::Loopback, now);
        let finding = match fault {
            Some(symptom) => Verdict::Faulty(symptom, evidence),
            None => Verdict::Healthy(evidence),
        };
        // Another process may examine what this one cannot see, so no listing here is whole.
        let partial = Coverage::Partial { why: "each run examines its own part".to_owned() };
        let of_check = diagnosis.checks.entry(check).or_insert_with(|| CheckFindings::new(partial));
        of_check.findings.insert(subject, finding);
    };
    let ledger = |id: &str| Subject::new(SubjectKind::Ledger, host, id);
    put(STORE_RESCUED, ledger("ops.db"), rescued(&seen.view, now));
    for (verb, helped) in &seen.view.effectiveness {
        let hopeless = helped.is_hopeless() && seen.view.trusted_again(verb, now).is_none();
        let text = format!("{verb} has never helped here and is switched off");
        put(REMEDY_INEFFECTIVE, ledger(verb), hopeless.then(|| symptom(Severity::Warning, text)));
    }
    let back =
        seen.newest_run.is_some_and(|run| run > now.checked_add(JUMP).unwrap_or(Timestamp::MAX));
    let text = "this host's clock was set back: runs are recorded in its future".to_owned();
    let machine = Subject::new(SubjectKind::Host, host, "clock");
    put(CLOCK_JUMPED, machine, back.then(|| symptom(Severity::Warning, text)));
    for (check, at) in &seen.answers {
        let long =
            now.duration_since(*at) > jiff::SignedDuration::try_from(LONG).unwrap_or_default();
        let asked = agent.check(check).is_some()
            && !setting.policy.disabled_checks.contains(check.as_str());
        let doubtful = asked && !seen.answered.contains(check);
        let text = format!("{} of {} has given no answer for a day", check, agent.name);
        let subject = Subject::new(SubjectKind::Agent, host, &format!("{}.{check}", agent.name));
        put(LONG_UNKNOWN, subject, (long && doubtful).then(|| symptom(Severity::Warning, text)));
    }
    for channel in seen.channels.iter().filter(|channel| !seen.gone.contains(&channel.name)) {
        let subject = Subject::new(SubjectKind::Channel, host, &channel.name);
        put(CHANNEL_DEAD, subject, channel.dead(now).map(|why| symptom(Severity::Warning, why)));
    }
    for history in seen.histories.iter().filter(|one| not_asked(one, seen, now).is_none()) {
        let subject = Subject::new(SubjectKind::Agent, host, history.agent.as_str());
        put(AGENT_SILENT, subject, silent(history, now));
    }
    let of_tenant = |tenant: &str, id: &str| Subject::new(SubjectKind::Tenant, tenant, id);
    for standing in &seen.tenants {
        let tenant = &standing.tenant;
        put(SESSION_LEAKED, of_tenant(tenant, "sessions"), leaked(standing));
        for (id, fault) in fitness(standing) {
            put(ACCOUNT_UNFIT, of_tenant(tenant, id), fault);
        }
    }
    for population in &seen.populations {
        let subject = of_tenant(&population.tenant, &population.what);
        let few = population.implausible.as_ref();
        let few = few
            .map(|why| symptom(Severity::Warning, format!("tenant {}: {why}", population.tenant)));
        put(POPULATION_IMPLAUSIBLE, subject, few);
    }
    excuse(&mut diagnosis, seen, host, now);
    diagnosis
}

/// What settings no longer have is no fault of anything, and nobody says that it is well.
fn excuse(diagnosis: &mut Diagnosis<Symptom>, seen: &Seen, host: &str, now: Timestamp) {
    let mut excuse = |check: CheckId, subject: Subject, why: &str| {
        let partial = Coverage::Partial { why: "each run examines its own part".to_owned() };
        let of_check = diagnosis.checks.entry(check).or_insert_with(|| CheckFindings::new(partial));
        of_check.absent.insert(subject, Absence::Excused { why: why.to_owned() });
    };
    for name in &seen.gone {
        let subject = Subject::new(SubjectKind::Channel, host, name);
        excuse(CHANNEL_DEAD, subject, "settings no longer have the channel");
    }
    for history in &seen.histories {
        let subject = Subject::new(SubjectKind::Agent, host, history.agent.as_str());
        if let Some(why) = not_asked(history, seen, now) {
            excuse(AGENT_SILENT, subject, &why);
        }
    }
}

/// What a run learned of an account: of its sign-in, and of what it asked the platform to do. That changes are refused is
/// over once one is taken, and not with a run that tried none.
fn fitness(standing: &TenantStanding) -> Vec<(&'static str, Option<Symptom>)> {
    let fault = |why: &String| symptom(Severity::Warning, why.clone());
    let account = match &standing.account {
        Account::Fit => Some(None),
        Account::Unfit { why } => Some(Some(fault(why))),
        Account::Unknown { .. } => None,
    };
    let of = |said: &Acceptance| match said {
        Acceptance::Given => Some(None),
        Acceptance::Refused { why } => Some(Some(fault(why))),
        Acceptance::Untold => None,
    };
    let known = [
        ("account", account),
        ("changes", of(&standing.changes)),
        ("commands", of(&standing.commands)),
    ];
    known.into_iter().filter_map(|(id, said)| said.map(|fault| (id, fault))).collect()
}

/// Where the one is silent that everything else leans on, nobody looks at production.
fn silent(history: &History, now: Timestamp) -> Option<Symptom> {
    let guardian = history.agent.as_str() == GUARDIAN;
    let severity = if guardian { Severity::Critical } else { Severity::Warning };
    history.silent(now).map(|why| symptom(severity, why))
}

fn leaked(standing: &TenantStanding) -> Option<Symptom> {
    let text = format!(
        "sessions of tenant {} were opened, or may have been, within the last day and not released: their tokens live on",
        standing.tenant
    );
    (standing.leaked > 0).then(|| symptom(Severity::Warning, text))
}

fn rescued(view: &LedgerView, now: Timestamp) -> Option<Symptom> {
    let found = view.controls.get(control::PROPOSE_ONLY).filter(|found| found.applies(now))?;
    Some(symptom(Severity::Critical, format!("agents only propose: {}", found.reason)))
}

fn symptom(severity: Severity, message: String) -> Symptom {
    Symptom { severity, message, facts: BTreeMap::new(), caused_by: None, not_now: None }
}
