//! `opsctl notify`: who was told of what, why, and a trial.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::args::NotifyVerb;
use super::questions::known;
use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, SqliteStore};
use crate::app::config::notify::DASHBOARD;
use crate::app::documents::{RouteAnswer, TrialAnswer};
use crate::app::exit::Exit;
use crate::app::telling::telling;
use crate::app::wire;
use crate::domain::incident::{IncidentId, RunId};
use crate::domain::moment::full;
use crate::domain::notice::{Decision, NotificationState, Route};
use crate::engine::Telling;
use crate::ports::outbox::{Outbox as _, Reasoned};
use crate::render::notifications;
use crate::render::page::Page;
use crate::render::style::Tone;

/// So many notifications of one incident are read.
const OF_ONE: u32 = 1000;
/// How long the trial of one channel may take.
const TRIAL: Duration = Duration::from_secs(30);

impl Desk<'_> {
    pub(super) async fn notify(&self, verb: &NotifyVerb) -> Result<Told, Trouble> {
        match verb {
            NotifyVerb::List { last } => self.notifications(*last).await,
            NotifyVerb::Why { incident, route } => self.why_told(incident, route.as_deref()).await,
            NotifyVerb::Test { channel, .. } => self.trial(channel.as_deref()).await,
            NotifyVerb::Failed { .. } => Err(Trouble::usage("this needs no settings")),
        }
    }

    async fn notifications(&self, last: u32) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let found = store.notifications(None, last).await?;
        store.close().await?;
        let text = notifications::list(&found, self.clock.now());
        Ok(Told { text, json: json!(found), exit: Exit::Clean })
    }

    async fn why_told(&self, incident: &str, route: Option<&str>) -> Result<Told, Trouble> {
        let id: IncidentId =
            incident.parse().map_err(|error| Trouble::usage(format!("{error}")))?;
        let rules = wire::rules(self.config);
        if !rules.routes.iter().any(|one| route.is_none_or(|name| one.name == name)) {
            return Err(Trouble::usage(no_route(route, &rules.routes)));
        }
        let store = self.store(Access::ReadOnly).await?;
        let reasoned = store.why(self.clock.now(), &known(&store, id).await?).await;
        store.close().await?;
        let mut page = Page::new(self.style);
        let mut answers = Vec::new();
        for one in reasoned? {
            if route.is_some_and(|name| name != one.route) {
                continue;
            }
            let answer = answer(one);
            show(&mut page, &answer);
            answers.push(answer);
        }
        Ok(Told { text: page.into_text(), json: json!(answers), exit: Exit::Clean })
    }

    async fn trial(&self, channel: Option<&str>) -> Result<Told, Trouble> {
        if channel == Some(DASHBOARD) {
            return Err(Trouble::usage(FED));
        }
        let store = Arc::new(self.store(Access::ReadWrite).await?);
        let run = wire::new_run_id();
        let mut telling = telling(self.config, &store, &run, &self.clock);
        telling.channels.remove(DASHBOARD);
        let names: Vec<String> = match channel {
            Some(name) if telling.channels.contains_key(name) => vec![name.to_owned()],
            Some(name) => return Err(Trouble::usage(no_channel(name, telling.channels.keys()))),
            None => telling.channels.keys().cloned().collect(),
        };
        if names.is_empty() {
            return Err(Trouble::usage(NO_CHANNELS));
        }
        let trials = names.into_iter().map(|name| self.tried(&store, &telling, &run, name));
        let answers: Result<Vec<TrialAnswer>, Trouble> =
            join_all(trials).await.into_iter().collect();
        store.close().await?;
        let answers = answers?;
        let mut page = Page::new(self.style);
        for answer in &answers {
            let sent = answer.state == NotificationState::Sent;
            let tone = if sent { Tone::Good } else { Tone::Bad };
            page.item(
                tone,
                &answer.channel,
                &format!("{}: {}", answer.state.as_str(), answer.answer),
            );
        }
        let all_sent = answers.iter().all(|answer| answer.state == NotificationState::Sent);
        let exit = if all_sent { Exit::Clean } else { Exit::Incomplete };
        Ok(Told { text: page.into_text(), json: json!(answers), exit })
    }

    /// One channel's trial, beside the others.
    async fn tried(
        &self,
        store: &SqliteStore,
        telling: &Telling,
        run: &RunId,
        channel: String,
    ) -> Result<TrialAnswer, Trouble> {
        let end = self.clock.elapsed() + TRIAL;
        let id = store.put_trial(self.clock.now(), &channel, &self.person()).await?;
        let fed = telling.feed(self.clock.as_ref(), run, &channel, end).await;
        fed.map_err(Trouble::incomplete)?;
        let found = store.notifications(Some("test"), OF_ONE).await?;
        let row = found.into_iter().find(|row| row.id == id);
        Ok(TrialAnswer {
            channel,
            state: row.as_ref().map_or(NotificationState::Pending, |row| row.state),
            answer: row.and_then(|row| row.outcome).unwrap_or_default(),
        })
    }
}

/// Why the platform's page is not tried.
const FED: &str = "ops-reporter feeds the channel `dashboard` with the state of everything, which a trial would replace: \
                   run ops-reporter to try it";
const NO_CHANNELS: &str = "no channel is set up: set SLACK_WEBHOOK_URL, or SMTP_HOST and OPS_ALERT_EMAIL, or write \
                           [[notify.channels]]";

fn no_route(wanted: Option<&str>, routes: &[Route]) -> String {
    let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
    match wanted {
        _ if names.is_empty() => NO_CHANNELS.to_owned(),
        Some(wanted) => format!("there is no route `{wanted}`; there are: {}", names.join(", ")),
        None => NO_CHANNELS.to_owned(),
    }
}

fn no_channel<'n>(wanted: &str, names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return NO_CHANNELS.to_owned();
    }
    format!("there is no channel `{wanted}`; there are: {}", names.join(", "))
}

fn answer(one: Reasoned) -> RouteAnswer {
    let Reasoned { route, channel, decision, rests, mut told } = one;
    let open = told.iter().find(|row| row.finished_at.is_none());
    let (is_due, why, until) = match (decision, open) {
        (_, Some(row)) => (true, row.why.clone(), Some(row.not_before)),
        (Decision::Tell { why, not_before, .. }, None) => (true, why, Some(not_before)),
        (Decision::Nothing { why, until, .. }, None) => (false, why, until),
    };
    let (why, until) = match rests.filter(|_| is_due) {
        Some((rest, because)) => (
            format!("{why}; {channel} takes nothing until {}: {because}", full(rest)),
            until.max(Some(rest)),
        ),
        None => (why, until),
    };
    told.reverse();
    RouteAnswer { route, channel, is_due, why, until, told }
}

fn show(page: &mut Page, answer: &RouteAnswer) {
    page.heading(&format!("{} (by {})", answer.route, answer.channel));
    for row in answer.told.iter().rev() {
        let at = row.finished_at.unwrap_or(row.created_at);
        let outcome = row.outcome.as_deref().unwrap_or("");
        let text =
            format!("{} at {}: {} {outcome}", row.kind.as_str(), full(at), row.state.as_str());
        page.item(Tone::Dim, "told", text.trim());
    }
    let word = if answer.is_due { "due" } else { "not told" };
    page.item(Tone::Strong, word, &answer.why);
    if let Some(until) = answer.until {
        let label = if answer.is_due { "from" } else { "asked anew" };
        page.item(Tone::Dim, label, &full(until));
    }
}
