//! A first settings file: short, only what differs from the defaults, each part with a word on what it means.

use std::fmt::Write as _;

use crate::domain::process::ManagerKind;

/// What a first settings file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initial {
    /// Where state and logs lie, if not beside the file.
    pub folders: Option<[String; 2]>,
    /// What is watched.
    pub services: Vec<InitialService>,
    /// The address of the platform, where there is one.
    pub platform: Option<String>,
}

/// One service of a first settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialService {
    /// Its name in findings.
    pub name: String,
    /// The addresses at which it answers.
    pub urls: Vec<String>,
    /// Its process, and who manages it.
    pub process: Option<(ManagerKind, String)>,
    /// What it cannot work without, as far as that is known.
    pub needs: Option<Vec<String>>,
}

/// A text as TOML spells it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// The file.
#[must_use]
pub fn text(initial: &Initial) -> String {
    let mut text = String::from(
        "# Settings of opswarden, written by `opsctl init`: only what differs from the defaults. Every setting with its\n\
         # default: `opsctl config show --defaults`. Mistakes: `opsctl config check`. Secrets do not belong here: they\n\
         # come from the environment or from a folder of credentials.\n",
    );
    if let Some([state, logs]) = &initial.folders {
        let (state, logs) = (quoted(state), quoted(logs));
        add(&mut text, format_args!("\n[paths]\nstate = {state}\nlogs = {logs}\n"));
    }
    if let Some(url) = &initial.platform {
        add(
            &mut text,
            format_args!(
                "\n# Its account comes from VALIDATOR_EMAIL and VALIDATOR_PASSWORD.\n[platform]\nurl = {}\n",
                quoted(url)
            ),
        );
    }
    if initial.services.is_empty() {
        text.push_str("\n# No service is watched, only the host itself.\n");
        text.push_str("[agents.health-guardian]\nservices = []\n");
    }
    for service in &initial.services {
        one(&mut text, service);
    }
    text
}

fn one(text: &mut String, service: &InitialService) {
    add(
        text,
        format_args!("\n[[agents.health-guardian.services]]\nname = {}\n", quoted(&service.name)),
    );
    match &service.process {
        Some((manager, process)) => {
            let (manager, process) = (quoted(manager.as_str()), quoted(process));
            add(text, format_args!("manager = {manager}\nprocess = {process}\n"));
        }
        None => text.push_str("# Without a `process` nothing is restarted: people are told.\n"),
    }
    match &service.needs {
        Some(needs) => add(text, format_args!("dependencies = {}\n", list(needs))),
        None if service.process.is_some() && !service.urls.is_empty() => text.push_str(
            "# A living process whose probe fails is restarted only where this says what it needs, [] for nothing:\n\
             #dependencies = []\n",
        ),
        None => {}
    }
    for (place, url) in service.urls.iter().enumerate() {
        text.push_str("[[agents.health-guardian.services.probes]]\n");
        // Probes of one service are told apart by their names.
        if service.urls.len() > 1 {
            add(text, format_args!("name = {}\n", quoted(&format!("probe-{}", place + 1))));
        }
        add(text, format_args!("url = {}\n", quoted(url)));
    }
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a String takes every text");
}
