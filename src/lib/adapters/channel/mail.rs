//! Mail by SMTP, always encrypted: STARTTLS is demanded and never only tried, on this machine too.
//!
//! [`opening`] connects and encrypts, [`talk`] hands the letter over, [`progress`] knows how far that came, and
//! [`stop`] what its end means. The dialogue is lettre's from the first encrypted word on; the few words before are
//! our own, because nothing that was said in plain text may be taken for an answer later.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use tokio::time::{Instant, timeout_at};

use super::courier::end_of;
use super::forms::MailForm;
use super::trust::Trust;
use crate::domain::notice::Message;
use crate::ports::Pending;
use crate::ports::channel::{Channel, Delivery, Earlier};
use progress::Progress;
use secrets::Secrets;
use talk::{Sender, Taken};

mod letter;
mod opening;
mod progress;
mod reply;
mod secrets;
mod stop;
mod talk;
mod wire;

/// Saying goodbye is a courtesy, and the message has arrived.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It begins in plain text, and nothing but the demand for encryption is said in it.
    StartTls,
    /// From the first byte.
    Wrapper,
}

impl Encryption {
    /// What servers do at this port: 465 begins encrypted, every other one with STARTTLS (RFC 8314).
    #[must_use]
    pub const fn of_port(port: u16) -> Self {
        const SUBMISSIONS: u16 = 465;
        if port == SUBMISSIONS { Self::Wrapper } else { Self::StartTls }
    }
}

/// A user of a mail server.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// A mail server, and who writes to whom.
#[derive(Clone)]
pub struct MailSettings {
    /// The server's name, which its certificate must be for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// Who logs in; `None` where the server asks nobody.
    pub login: Option<Login>,
    /// The sender: `ops@example.test`, or with a name before it and the address in angle brackets.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receivers = self.to.len();
        write!(f, "MailSettings({}:{}, {receivers} receivers)", self.host, self.port)
    }
}

/// A way to mailboxes.
pub struct Mailer {
    server: MailSettings,
    from: Mailbox,
    to: Vec<Mailbox>,
    secrets: Secrets,
    form: MailForm,
    trust: Arc<Trust>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({:?})", self.server)
    }
}

impl Mailer {
    /// A way to the receivers of `settings`.
    ///
    /// # Errors
    ///
    /// A fragment, where an address cannot be one, or nobody is to receive anything.
    pub fn new(settings: MailSettings, form: MailForm, trust: Arc<Trust>) -> Result<Self, String> {
        let from = letter::mailbox(&settings.from).map_err(|why| format!("the sender {why}"))?;
        let to: Result<Vec<_>, _> = settings.to.iter().map(|text| letter::mailbox(text)).collect();
        let to = to.map_err(|why| format!("a receiver {why}"))?;
        if to.is_empty() {
            return Err("there is no receiver".to_owned());
        }
        let secrets = Secrets::of(settings.login.as_ref(), to.iter().chain([&from]));
        Ok(Self { server: settings, from, to, secrets, form, trust })
    }

    async fn tell(
        &self,
        message: &Message,
        earlier: Option<&Earlier>,
        deadline: Duration,
    ) -> Delivery {
        let end = end_of(deadline);
        let mail = (self.form)(message);
        let letter = match letter::compose(&mail, &self.from, &self.to, message.at, earlier) {
            Ok(letter) => letter,
            Err(why) => return Delivery::Refused { why },
        };
        let progress = Arc::new(Progress::default());
        let sender = Sender {
            server: &self.server,
            from: &self.from,
            to: &self.to,
            secrets: &self.secrets,
            trust: &self.trust,
            progress: Arc::clone(&progress),
        };
        let taken = match timeout_at(end, sender.hand_over(&letter.bytes)).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(stop)) => return stop.delivery(&self.server.host),
            Err(_) => return progress.at_the_end().delivery(&self.server.host),
        };
        self.sent(taken, letter.id, end).await
    }

    /// It was taken, if only for some. Whoever was refused, even for now, is not written to again: the others would have it
    /// twice. That is told, and all of them get the next message.
    async fn sent(&self, mut taken: Taken, id: String, end: Instant) -> Delivery {
        let soon = Instant::now() + GOODBYE;
        let _courtesy = timeout_at(soon.min(end), taken.connection.quit()).await;
        let (host, answer) = (&self.server.host, &taken.answer);
        let mut answer = format!("{host} answered {answer}");
        if !taken.refused.is_empty() {
            let (all, left_out) = (self.to.len(), taken.refused.join("; "));
            let only = all - taken.refused.len();
            let partly = format!("taken for {only} of {all} receivers only: {left_out}");
            tracing::warn!("a mail was {partly}");
            answer = format!("{answer}; {partly}");
        }
        Delivery::Sent { reference: Some(id), answer }
    }
}

impl Channel for Mailer {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        earlier: Option<&'a Earlier>,
        deadline: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(self.tell(message, earlier, deadline))
    }
}
