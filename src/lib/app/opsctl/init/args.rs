//! The command line of `opsctl init`.

use std::path::PathBuf;

use clap::Args;

use crate::domain::process::ManagerKind;

/// What the first settings say, and where they go.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct InitArgs {
    /// A service to watch and an address at which it answers, like api=http://127.0.0.1:3000/health
    #[arg(long, value_name = "NAME=URL", value_parser = pair)]
    pub service: Vec<(String, String)>,
    /// The process of a service, to be restarted where that helps, like api=api.service; a name alone is both
    #[arg(long, value_name = "NAME[=PROCESS]", value_parser = name_or_pair)]
    pub process: Vec<(String, String)>,
    /// What a service cannot work without, like api=db,cache; `none` for nothing
    #[arg(long, value_name = "NAME=OTHERS", value_parser = pair)]
    pub needs: Vec<(String, String)>,
    /// Who manages these processes, where their names do not end like units of systemd: pm2
    #[arg(long, value_name = "MANAGER", value_parser = manager)]
    pub manager: Option<ManagerKind>,
    /// The address of the signage platform's API, without the path
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// A file that holds the address of a webhook of Slack
    #[arg(long, value_name = "FILE")]
    pub slack_webhook_file: Option<PathBuf>,
    /// People are told by e-mail: `SMTP_HOST` and `OPS_ALERT_EMAIL` are to be set
    #[arg(long)]
    pub mail: bool,
    /// A folder in which the secrets that this environment gives are kept, one file each, for their owner only
    #[arg(long, value_name = "FOLDER")]
    pub credentials: Option<PathBuf>,
    /// The settings file [default: /etc/opswarden/agents.toml for root where that folder exists, else ./agents.toml]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Ask nothing
    #[arg(long, conflicts_with = "ask")]
    pub yes: bool,
    /// Ask even where nobody sits at a terminal: one answer a line
    #[arg(long)]
    pub ask: bool,
    /// Replace what is there; the old settings are kept beside the new ones
    #[arg(long)]
    pub force: bool,
}

impl InitArgs {
    /// Whether the command line says anything about what is to be watched.
    pub(super) fn says_something(&self) -> bool {
        !self.service.is_empty()
            || !self.process.is_empty()
            || self.url.is_some()
            || self.slack_webhook_file.is_some()
            || self.mail
    }
}

/// `NAME=REST`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, rest)) if !name.trim().is_empty() && !rest.trim().is_empty() => {
            Ok((name.trim().to_owned(), rest.trim().to_owned()))
        }
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn name_or_pair(text: &str) -> Result<(String, String), String> {
    if text.contains('=') { pair(text) } else { pair(&format!("{text}={text}")) }
}

fn manager(text: &str) -> Result<ManagerKind, String> {
    let known = [ManagerKind::Pm2, ManagerKind::Systemd];
    known
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| "write pm2 or systemd".to_owned())
}
