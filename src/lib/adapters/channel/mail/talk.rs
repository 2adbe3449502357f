//! The encrypted dialogue: login, sender and receivers, the letter.

use std::sync::Arc;

use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::response::{Response, Severity};

use super::progress::{Phase, Progress};
use super::secrets::Secrets;
use super::stop::Stop;
use super::{MailSettings, opening};
use crate::adapters::channel::trust::Trust;

/// The answer to the command before the letter.
const GO_AHEAD: u16 = 354;

/// One attempt.
pub(super) struct Sender<'a> {
    pub(super) server: &'a MailSettings,
    pub(super) from: &'a Mailbox,
    pub(super) to: &'a [Mailbox],
    pub(super) secrets: &'a Secrets,
    pub(super) trust: &'a Trust,
    pub(super) progress: Arc<Progress>,
}

/// That the server took the letter.
pub(super) struct Taken {
    pub(super) connection: AsyncSmtpConnection,
    /// Its answer.
    pub(super) answer: String,
    /// For whom it was not taken, and why.
    pub(super) refused: Vec<String>,
}

impl Sender<'_> {
    /// Hands the letter over.
    pub(super) async fn hand_over(&self, letter: &[u8]) -> Result<Taken, Stop> {
        let (sealed, us) = opening::open(self).await?;
        self.progress.enter(Phase::Greeting);
        let connected = AsyncSmtpConnection::connect_with_transport(Box::new(sealed), &us).await;
        let mut connection = connected.map_err(|error| self.stop(&error))?;
        self.log_in(&mut connection).await?;
        self.progress.enter(Phase::Addressing);
        let refused = self.address(&mut connection).await?;
        let ready = connection.command(Data).await.map_err(|error| self.stop(&error))?;
        if !ready.has_code(GO_AHEAD) {
            return Err(Stop::Passing("it does not want the letter now".to_owned()));
        }
        self.progress.enter(Phase::Handing);
        let answer = connection.message(letter).await.map_err(|error| self.stop(&error))?;
        if answer.code().severity != Severity::PositiveCompletion {
            return Err(Stop::Unsure(format!(
                "it answered the letter with {}",
                self.told(&answer)
            )));
        }
        Ok(Taken { answer: self.told(&answer), connection, refused })
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Stop> {
        let Some(login) = &self.server.login else { return Ok(()) };
        self.progress.enter(Phase::LoggingIn);
        let credentials = Credentials::new(login.user.clone(), login.password.clone());
        let welcome = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
        welcome.map(|_| ()).map_err(|error| self.stop(&error))
    }

    /// Names the sender and the receivers, and tells who was refused. One receiver that is gone must not keep the
    /// letter from the others.
    async fn address(&self, connection: &mut AsyncSmtpConnection) -> Result<Vec<String>, Stop> {
        let sender = Mail::new(Some(self.from.email.clone()), Vec::new());
        connection.command(sender).await.map_err(|error| self.stop(&error))?;
        let (mut refused, mut stops) = (Vec::new(), Vec::new());
        for (place, mailbox) in self.to.iter().enumerate() {
            let asked = connection.command(Rcpt::new(mailbox.email.clone(), Vec::new())).await;
            let Err(error) = asked else { continue };
            let stop = self.stop(&error);
            // Without a code the connection is broken, and there is nobody to ask for the others.
            if error.status().is_none() {
                return Err(stop);
            }
            refused.push(format!("receiver {} of {}: {}", place + 1, self.to.len(), text(&stop)));
            stops.push(stop);
        }
        if stops.len() < self.to.len() {
            return Ok(refused);
        }
        let passing = stops.iter().position(|stop| matches!(stop, Stop::Passing(_)));
        Err(stops.swap_remove(passing.unwrap_or(0)))
    }

    fn stop(&self, error: &smtp::Error) -> Stop {
        Stop::of_smtp(error, &self.progress, self.secrets)
    }

    fn told(&self, response: &Response) -> String {
        let text: Vec<&str> = response.message().collect();
        self.secrets.fragment(&format!("{} {}", response.code(), text.join(" ")))
    }
}

fn text(stop: &Stop) -> &str {
    match stop {
        Stop::Passing(why) | Stop::Lasting(why) | Stop::Unsure(why) => why,
    }
}
