//! `[notify]`: by which channels people are told, and who is told of what. Addresses and secrets come from the environment.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Given;
use crate::domain::duration::HumanDuration;
use crate::domain::notice::{ChannelRule, Clocks, Route, Rules, Template, TimeOfDay, Window};
use crate::domain::severity::{Environment, Severity};

/// How people are told. Where this names no channel, the environment may: `SLACK_WEBHOOK_URL` gives the channel "slack", and
/// `SMTP_HOST` with `OPS_ALERT_EMAIL` the channel "email". Where there are channels and no routes, each is told from
/// warnings on. A dead man's switch that speaks the form of healthchecks is pinged where `PING_URL_<AGENT>` names it, for
/// example `PING_URL_HEALTH_GUARDIAN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Where runbooks are published, as an address to which `/CHECK.md` is appended. Empty: messages name the command that
    /// prints them.
    pub runbooks: String,
    /// How soon an incident must be acknowledged before routes with `unacknowledged` hear of it: "standard" (critical in
    /// production within 15 minutes) or "strict" (at once).
    pub clocks: Clocks,
    /// When the daily digest leaves.
    pub digest_at: TimeOfDay,
    /// The time zone of the digest and of windows that name none.
    #[schemars(length(min = 1))]
    pub zone: String,
    /// Whether ops-reporter posts the state of everything to the platform, where there is one. Every user of the platform
    /// can read it there.
    pub dashboard: bool,
    /// The channels.
    #[schemars(length(max = 32))]
    pub channels: Vec<ChannelSettings>,
    /// Who is told of what.
    #[schemars(length(max = 64))]
    pub routes: Vec<Route>,
    /// Hours of planned work: what its agents find then is told when they are over, if it still holds.
    #[schemars(length(max = 64))]
    pub maintenance: Vec<Window>,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            runbooks: String::new(),
            clocks: Clocks::Standard,
            digest_at: TimeOfDay(jiff::civil::time(8, 0, 0, 0)),
            zone: "UTC".to_owned(),
            dashboard: true,
            channels: Vec::new(),
            routes: Vec::new(),
            maintenance: Vec::new(),
        }
    }
}

/// How a channel is spoken to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// An incoming webhook of Slack: `SLACK_WEBHOOK_URL`.
    #[default]
    Slack,
    /// A bot of Slack, which edits its messages: `SLACK_BOT_TOKEN`.
    SlackBot,
    /// E-mail: `SMTP_HOST`, `SMTP_PORT`, `SMTP_USER`, `SMTP_PASS`, `OPS_ALERT_EMAIL`.
    Email,
    /// JSON to any address: `WEBHOOK_URL_<NAME>`, and `WEBHOOK_SECRET_<NAME>` to sign with.
    Webhook,
}

/// `[[notify.channels]]`: one way to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelSettings {
    /// Its name in routes.
    #[schemars(length(min = 1, max = 63))]
    #[schemars(example = &"slack")]
    pub name: String,
    /// How it is spoken to: `"slack"` (an incoming webhook), `"slack_bot"`, `"email"`, or `"webhook"` (of any kind).
    pub kind: ChannelKind,
    /// Of a Slack bot: the conversation, by its id.
    pub conversation: String,
    /// Of e-mail: who it is from. Empty: `SMTP_USER`.
    pub from: String,
    /// Of e-mail: who it is for. Empty: `OPS_ALERT_EMAIL`.
    pub to: Vec<String>,
    /// Of e-mail: a file with the certificate of a private authority.
    pub authority: String,
    /// Of a webhook: the form of its body: "generic", "pagerduty", "discord" or "teams".
    pub template: Template,
    /// How long it rests between two messages. Slack allows one in a second.
    pub pause: HumanDuration,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: ChannelKind::Slack,
            conversation: String::new(),
            from: String::new(),
            to: Vec::new(),
            authority: String::new(),
            template: Template::Generic,
            pause: HumanDuration::secs(1),
        }
    }
}

/// The channel that the state of everything goes to.
pub const DASHBOARD: &str = "dashboard";

/// The names of the environment that belong to a channel: its address or token, and what it signs with.
#[must_use]
pub fn secret_names(channel: &ChannelSettings) -> Vec<String> {
    let own = channel.name.to_uppercase().replace('-', "_");
    let of = |name: &str, usual: &str| {
        if channel.name == usual { name.to_owned() } else { format!("{name}_{own}") }
    };
    match channel.kind {
        ChannelKind::Slack => vec![of("SLACK_WEBHOOK_URL", "slack")],
        ChannelKind::SlackBot => vec![of("SLACK_BOT_TOKEN", "slack")],
        ChannelKind::Email => Vec::new(),
        ChannelKind::Webhook => {
            vec![format!("WEBHOOK_URL_{own}"), format!("WEBHOOK_SECRET_{own}")]
        }
    }
}

/// The name of the environment that holds an agent's address at a dead man's switch.
#[must_use]
pub fn ping_name(agent: &str) -> String {
    format!("PING_URL_{}", agent.to_uppercase().replace('-', "_"))
}

impl NotifySettings {
    /// Adds the channels that the environment alone names, and a route to each where there is none.
    pub(super) fn complete(&mut self, given: &[Given]) {
        let is_given = |name: &str| given.iter().any(|found| found.name == name);
        let kinds: Vec<ChannelKind> = self.channels.iter().map(|channel| channel.kind).collect();
        let mut add = |name: &str, kind| {
            let name = name.to_owned();
            self.channels.push(ChannelSettings { name, kind, ..ChannelSettings::default() });
        };
        if is_given("SLACK_WEBHOOK_URL") && !kinds.contains(&ChannelKind::Slack) {
            add("slack", ChannelKind::Slack);
        }
        let mail = is_given("SMTP_HOST") && is_given("OPS_ALERT_EMAIL");
        if mail && !kinds.contains(&ChannelKind::Email) {
            add("email", ChannelKind::Email);
        }
        if self.routes.is_empty() {
            self.routes = self.channels.iter().map(usual_route).collect();
        }
    }

    /// What decisions about telling rest on.
    #[must_use]
    pub fn rules(&self, environment: Environment, host: &str, has_platform: bool) -> Rules {
        let rule = |pause: Duration, dashboard| ChannelRule { pause, dashboard };
        let mut channels: BTreeMap<String, ChannelRule> = self
            .channels
            .iter()
            .map(|channel| (channel.name.clone(), rule(channel.pause.get(), false)))
            .collect();
        if self.dashboard && has_platform {
            channels.insert(DASHBOARD.to_owned(), rule(Duration::ZERO, true));
        }
        // Nobody can ever hear by a channel that is not there: nothing is decided for it.
        let routes = self.routes.iter().filter(|route| channels.contains_key(&route.channel));
        let routes = routes.cloned().collect();
        Rules {
            environment,
            host: host.to_owned(),
            runbooks: self.runbooks.trim_end_matches('/').to_owned(),
            clocks: self.clocks,
            digest_at: self.digest_at,
            zone: self.zone.clone(),
            routes,
            channels,
            maintenance: self.maintenance.clone(),
        }
    }
}

fn usual_route(channel: &ChannelSettings) -> Route {
    Route {
        name: channel.name.clone(),
        channel: channel.name.clone(),
        severity: Severity::Warning,
        // In a chat the findings themselves are enough: each would be followed by the status that it makes.
        status: channel.kind == ChannelKind::Email,
        digest: channel.kind == ChannelKind::Email,
        ..Route::default()
    }
}
