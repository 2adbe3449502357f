//! From settings to the channels by which people are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::config::Config;
use super::config::notify::{ChannelKind, ChannelSettings, DASHBOARD, secret_names};
use super::wire;
use crate::adapters::channel::{
    Courier, Dashboard, Encryption, JsonForm, Login, Mail, MailForm, MailSettings, Mailer,
    SlackBot, SlackForms, SlackWebhook, Trust, Webhook,
};
use crate::adapters::store::SqliteStore;
use crate::domain::incident::RunId;
use crate::domain::notice::{Body, Kind, Message, Template};
use crate::domain::severity::{Priority, Severity};
use crate::domain::view::SystemStatus;
use crate::engine::Telling;
use crate::ports::channel::{Channel, Delivery};
use crate::ports::clock::Clock;
use crate::ports::outbox::Outbox;
use crate::render::notice::{dashboard, mail, slack, webhook};

/// The port of mail servers that nobody names: submission, encrypted by STARTTLS.
const SUBMISSION: u16 = 587;

/// How people are told by these settings.
#[must_use]
pub fn telling(
    config: &Config,
    store: &Arc<SqliteStore>,
    run: &RunId,
    clock: &Arc<dyn Clock>,
) -> Telling {
    let outbox: Arc<dyn Outbox> = Arc::<SqliteStore>::clone(store);
    Telling { outbox, channels: channels(config, run, clock) }
}

/// Every channel of the settings, by its name; or why it cannot be used.
fn channels(
    config: &Config,
    run: &RunId,
    clock: &Arc<dyn Clock>,
) -> BTreeMap<String, Result<Arc<dyn Channel>, String>> {
    let courier = Arc::new(Courier::new(Arc::new(Trust::system()), Arc::clone(clock)));
    let of = |channel: &ChannelSettings| {
        let built = match channel.kind {
            ChannelKind::Slack => slack_webhook(config, channel, &courier),
            ChannelKind::SlackBot => slack_bot(config, channel, &courier),
            ChannelKind::Email => mailer(config, channel),
            ChannelKind::Webhook => of_webhook(config, channel, &courier),
        };
        (channel.name.clone(), built)
    };
    let mut channels: BTreeMap<_, _> = config.notify.channels.iter().map(of).collect();
    if config.notify.dashboard && config.platform.is_some() {
        channels.insert(DASHBOARD.to_owned(), of_platform(config, run, clock));
    }
    channels
}

/// Every channel of the settings, by its name, and why it cannot be used. Nothing is sent, and nobody is asked anything.
#[must_use]
pub fn examined(config: &Config, clock: &Arc<dyn Clock>) -> BTreeMap<String, Result<(), String>> {
    let built = channels(config, &wire::new_run_id(), clock).into_iter();
    built.map(|(name, channel)| (name, channel.map(|_| ()))).collect()
}

/// What is told past the ledger is repeated after so long.
const CRY_AGAIN: Duration = Duration::from_hours(1);
/// So long may it take.
const CRY: Duration = Duration::from_secs(10);
/// The file whose age tells when people were last told of the ledger.
const CRIED: &str = ".ledger-lost";

/// What became of a word past the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cried {
    /// Somebody took it.
    Told,
    /// They were told within the hour.
    Lately,
    /// No channel took it.
    ToNobody,
}

/// Tells people directly that the ledger cannot be used: nothing can be kept for later then. At most once in an hour, as far
/// as that can be remembered.
pub async fn cry(config: &Config, why: &str, clock: &Arc<dyn Clock>) {
    let reason = format!("ledger not writable, so that nothing is repaired: {why}");
    cry_once(config, CRIED, "ledger", reason, clock).await;
}

/// Tells people directly that a unit of a service manager failed, at most once in an hour.
pub async fn cry_of_unit(config: &Config, unit: &str, why: &str, clock: &Arc<dyn Clock>) -> Cried {
    cry_once(config, &failed(unit), unit, format!("{unit} failed: {why}"), clock).await
}

/// The file whose age tells when people were last told that a unit failed.
fn failed(unit: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_@".contains(c) { c } else { '_' };
    format!(".failed-{}", unit.chars().map(plain).collect::<String>())
}

async fn cry_once(
    config: &Config,
    stamp: &str,
    thread: &str,
    reason: String,
    clock: &Arc<dyn Clock>,
) -> Cried {
    let stamp = config.paths.logs.join(stamp);
    let last = std::fs::metadata(&stamp).and_then(|file| file.modified());
    let now = std::time::SystemTime::from(clock.now());
    // A stamp of the future is of a clock that was set back, and says nothing.
    let lately = |at| now.duration_since(at).is_ok_and(|since| since < CRY_AGAIN);
    if last.is_ok_and(lately) {
        return Cried::Lately;
    }
    let body = Body::Status { was: None, now: SystemStatus::Critical, reasons: vec![reason] };
    if !say_directly(config, clock, thread, Severity::Critical, body).await {
        return Cried::ToNobody;
    }
    if let Err(error) = std::fs::write(&stamp, "") {
        tracing::warn!(%error, "failed to remember that people were told");
    }
    Cried::Told
}

/// Tells people who were told past the ledger that it is over, where the status of everything can be asked: that the ledger can
/// be written again, and that the unit of `agent` works again.
pub async fn calm(
    config: &Config,
    agent: &str,
    status: impl AsyncFnOnce() -> Option<SystemStatus>,
    clock: &Arc<dyn Clock>,
) {
    let unit = format!("opswarden-{agent}.service");
    let told = [
        (CRIED.to_owned(), "ledger", "the ledger can be written again".to_owned()),
        (failed(&unit), unit.as_str(), format!("{unit} works again")),
    ];
    let in_logs =
        |(stamp, thread, reason): (String, _, _)| (config.paths.logs.join(stamp), thread, reason);
    let told = told.map(in_logs).into_iter().filter(|(stamp, ..)| stamp.exists());
    let told: Vec<(PathBuf, &str, String)> = told.collect();
    if told.is_empty() {
        return;
    }
    let Some(is) = status().await else { return };
    for (stamp, thread, reason) in told {
        let body =
            Body::Status { was: Some(SystemStatus::Critical), now: is, reasons: vec![reason] };
        if say_directly(config, clock, thread, Severity::Info, body).await
            && let Err(error) = std::fs::remove_file(&stamp)
        {
            tracing::warn!(%error, "failed to forget that people were told");
        }
    }
}

/// Sends a word by every channel to people, past the outbox. Whether anybody took it.
async fn say_directly(
    config: &Config,
    clock: &Arc<dyn Clock>,
    thread: &str,
    severity: Severity,
    body: Body,
) -> bool {
    let run = wire::new_run_id();
    let message = Message {
        id: run.to_string(),
        kind: Kind::Status,
        at: clock.now(),
        environment: config.environment,
        host: config.host.clone(),
        severity,
        priority: Priority::P0,
        thread: thread.to_owned(),
        may_repeat: false,
        others_open: 0,
        runbooks: config.notify.runbooks.trim_end_matches('/').to_owned(),
        body,
    };
    let mut channels = channels(config, &run, clock);
    channels.remove(DASHBOARD);
    let told = join_all(channels.values().map(|channel| async {
        let Ok(channel) = channel else { return false };
        matches!(channel.deliver(&message, None, CRY).await, Delivery::Sent { .. })
    }));
    told.await.into_iter().any(|sent| sent)
}

fn form(of: impl Fn(&Message) -> serde_json::Value + Send + Sync + 'static) -> JsonForm {
    Arc::new(of)
}

/// What the environment gives under the first of a channel's names.
fn given<'c>(config: &'c Config, channel: &ChannelSettings) -> Result<&'c str, String> {
    let name = secret_names(channel).into_iter().next().unwrap_or_default();
    config.given(&name).ok_or_else(|| format!("{name} is not set, nor {name}_FILE"))
}

fn slack_webhook(
    config: &Config,
    channel: &ChannelSettings,
    courier: &Arc<Courier>,
) -> Result<Arc<dyn Channel>, String> {
    let url = given(config, channel)?;
    let hook = SlackWebhook::new(url, form(slack::webhook), Arc::clone(courier))?;
    Ok(Arc::new(hook))
}

fn slack_bot(
    config: &Config,
    channel: &ChannelSettings,
    courier: &Arc<Courier>,
) -> Result<Arc<dyn Channel>, String> {
    let forms = SlackForms {
        post: form(slack::post),
        history: form(slack::history),
        reply: form(slack::reply),
    };
    let token = given(config, channel)?;
    let bot = SlackBot::new(token, &channel.conversation, forms, Arc::clone(courier))?;
    Ok(Arc::new(bot))
}

fn of_webhook(
    config: &Config,
    channel: &ChannelSettings,
    courier: &Arc<Courier>,
) -> Result<Arc<dyn Channel>, String> {
    let names = secret_names(channel);
    let secret = names.get(1).and_then(|name| config.given(name)).map(str::to_owned);
    let template = channel.template;
    // A pager's key is its secret, and stands in the body; everybody else's signs it.
    let key = secret.clone().filter(|_| template == Template::Pagerduty).unwrap_or_default();
    let body = form(move |message| webhook::body(template, message, &key));
    let hook = Webhook::new(given(config, channel)?, body, Arc::clone(courier))?;
    Ok(Arc::new(match secret {
        Some(key) if template == Template::Pagerduty => hook.keyed(&key),
        Some(secret) => hook.signed(&secret)?,
        None => hook,
    }))
}

fn mailer(config: &Config, channel: &ChannelSettings) -> Result<Arc<dyn Channel>, String> {
    let host = config.given("SMTP_HOST").ok_or("SMTP_HOST is not set, nor SMTP_HOST_FILE")?;
    let port = match config.given("SMTP_PORT") {
        Some(port) => {
            let known = port.parse().ok().filter(|port| *port > 0);
            known.ok_or_else(|| format!("SMTP_PORT is `{port}`, no port"))?
        }
        None => SUBMISSION,
    };
    let user = config.given("SMTP_USER");
    let login = match (user, config.given("SMTP_PASS")) {
        (Some(user), Some(password)) => {
            Some(Login { user: user.to_owned(), password: password.to_owned() })
        }
        (None, None) => None,
        (Some(_), None) => return Err("SMTP_USER is set, and SMTP_PASS is not".to_owned()),
        (None, Some(_)) => return Err("SMTP_PASS is set, and SMTP_USER is not".to_owned()),
    };
    let to = match (channel.to.as_slice(), config.given("OPS_ALERT_EMAIL")) {
        ([], None) => {
            return Err("OPS_ALERT_EMAIL is not set, and the channel has no `to`".to_owned());
        }
        ([], Some(given)) => {
            let each = given.split(',').map(str::trim).filter(|one| !one.is_empty());
            each.map(str::to_owned).collect()
        }
        (to, _) => to.to_vec(),
    };
    let from = match (channel.from.as_str(), user) {
        ("", Some(user)) if user.contains('@') => user.to_owned(),
        ("", _) => to.first().cloned().unwrap_or_default(),
        (from, _) => from.to_owned(),
    };
    let trust = match channel.authority.as_str() {
        "" => Trust::system(),
        file => Trust::and_file(Path::new(file))?,
    };
    let encryption = Encryption::of_port(port);
    let domain = domain_of(&from).to_owned();
    let settings = MailSettings { host: host.to_owned(), port, encryption, login, from, to };
    Ok(Arc::new(Mailer::new(settings, mail_form(domain), Arc::new(trust))?))
}

/// What ids of mails end with: the sender's own domain.
fn domain_of(from: &str) -> &str {
    let address = from.trim_end_matches('>');
    address.rsplit_once('@').map_or("opswarden.invalid", |(_, domain)| domain)
}

fn mail_form(domain: String) -> MailForm {
    Arc::new(move |message| {
        let mail = mail::mail(message);
        Mail {
            message_id: mail.message_id(&domain),
            references: vec![mail.references(&domain)],
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
        }
    })
}

fn of_platform(
    config: &Config,
    run: &RunId,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Channel>, String> {
    let client = wire::platform_client(config, run, Arc::clone(clock), &config.paths.state);
    let client = client.map_err(|blind| blind.why)?;
    let declared = config.platform.as_ref().and_then(|platform| platform.tenants.first());
    let tenant = declared.map(|tenant| tenant.name.clone()).unwrap_or_default();
    let state = |message: &Message| match &message.body {
        Body::Dashboard(state) => dashboard::projection(state),
        _ => serde_json::Value::Null,
    };
    Ok(Arc::new(Dashboard::new(client, &tenant, form(state))))
}
