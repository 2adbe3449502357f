//! The questions of `opsctl init`, one line each. What the command line said already is not asked.

use std::io::{self, BufRead, IsTerminal as _, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::answers::{Answers, managed, names};
use super::args::{InitArgs, pair};
use crate::app::config::Environ;

/// Somebody who answers.
pub(super) struct Person<'a, R, W> {
    /// Whether there is a folder for secrets: what could not be kept is not asked.
    pub(super) keeps_secrets: bool,
    pub(super) lines: R,
    pub(super) shown: &'a mut W,
}

/// A secret is typed unseen; the terminal is as before when this is dropped.
struct Unseen(Option<rustix::termios::Termios>);

impl Unseen {
    fn begin() -> Self {
        let input = io::stdin();
        if !input.is_terminal() {
            return Self(None);
        }
        let before = tcgetattr(&input).ok();
        if let Some(mut modes) = before.clone() {
            modes.local_modes.remove(LocalModes::ECHO);
            // Where the terminal does not let us, the secret is seen by whoever typed it.
            let _ = tcsetattr(&input, OptionalActions::Flush, &modes);
        }
        Self(before)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}

impl<R: BufRead, W: Write> Person<'_, R, W> {
    /// Asks for everything that `args` left open.
    ///
    /// # Errors
    ///
    /// The answers ended before the questions did, or nothing can be shown.
    pub(super) fn complete(
        &mut self,
        answers: &mut Answers,
        args: &InitArgs,
        environ: &Environ,
    ) -> io::Result<()> {
        if args.service.is_empty() && args.process.is_empty() {
            self.services(answers, args)?;
        }
        if args.slack_webhook_file.is_none() {
            self.wanted(
                answers,
                environ,
                "SLACK_WEBHOOK_URL",
                "The address of a webhook of Slack",
            )?;
        }
        if self.keeps_secrets && !args.mail && environ.get("SMTP_HOST").is_none() {
            self.mail(answers, environ)?;
        }
        if args.url.is_none() {
            let asked = "The address of a signage platform's API, like https://api.example.test (empty: there is none)";
            answers.initial.platform = self.line(asked)?;
        }
        if answers.initial.platform.is_some() {
            self.wanted(answers, environ, "VALIDATOR_EMAIL", "The e-mail address of its account")?;
            self.wanted(answers, environ, "VALIDATOR_PASSWORD", "The password of its account")?;
        }
        Ok(())
    }

    fn services(&mut self, answers: &mut Answers, args: &InitArgs) -> io::Result<()> {
        while let Some(line) = self.line("A service to watch, as NAME=URL (empty: no more)")? {
            let (name, url) = match pair(&line) {
                Ok(both) => both,
                Err(why) => {
                    writeln!(self.shown, "  {why}, like api=http://127.0.0.1:3000/health")?;
                    continue;
                }
            };
            let service = answers.service(&name);
            service.urls.push(url);
            let asked = "  Its process, a unit of systemd or an app of PM2 (empty: people are told, nothing is restarted)";
            let Some(process) = self.line(asked)? else { continue };
            let asked = "  The services that it cannot work without, like db,cache, or none (empty: not known)";
            let needs = self.line(asked)?;
            let service = answers.service(&name);
            service.process = Some((managed(&process, args.manager), process));
            service.needs = needs.map(|text| names(&text));
        }
        Ok(())
    }

    fn mail(&mut self, answers: &mut Answers, environ: &Environ) -> io::Result<()> {
        let Some(host) = self.line("A mail server by which people are told (empty: none)")? else {
            return Ok(());
        };
        answers.mail = true;
        answers.secret("SMTP_HOST", &host);
        self.wanted(answers, environ, "SMTP_USER", "  Its user")?;
        self.wanted(answers, environ, "SMTP_PASS", "  Its password")?;
        self.wanted(answers, environ, "OPS_ALERT_EMAIL", "  Who is told, as an address")
    }

    /// Asks for a secret, unless the environment gives it.
    fn wanted(
        &mut self,
        answers: &mut Answers,
        environ: &Environ,
        name: &str,
        asked: &str,
    ) -> io::Result<()> {
        let given = environ.get(name).or_else(|| environ.get(&format!("{name}_FILE")));
        if given.is_some() || !self.keeps_secrets {
            return Ok(());
        }
        let unseen = Unseen::begin();
        let answer =
            self.line(&format!("{asked} (empty: {name} is set elsewhere, or not at all)"))?;
        drop(unseen);
        if let Some(value) = answer {
            answers.secret(name, &value);
        }
        Ok(())
    }

    /// One answer; `None` for an empty one.
    fn line(&mut self, asked: &str) -> io::Result<Option<String>> {
        write!(self.shown, "{asked}: ")?;
        self.shown.flush()?;
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answers ended"));
        }
        let line = line.trim();
        Ok((!line.is_empty()).then(|| line.to_owned()))
    }
}
