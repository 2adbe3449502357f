//! `opsctl runbook`: what a check's finding means, what to look at, how to fix it.

use serde_json::json;

use super::{Told, Trouble};
use crate::app::documents::Runbook;
use crate::app::exit::Exit;
use crate::app::runbooks::RUNBOOKS;

pub(super) fn runbook(check: Option<&str>) -> Result<Told, Trouble> {
    let Some(check) = check else {
        let list = RUNBOOKS.iter().map(|(_, text)| {
            let title = text.lines().next().unwrap_or_default();
            format!("{}\n", title.trim_start_matches("# ").replacen(": ", "\n    ", 1))
        });
        let names: Vec<&str> = RUNBOOKS.iter().map(|(check, _)| *check).collect();
        return Ok(Told { text: list.collect(), json: json!(names), exit: Exit::Clean });
    };
    let Some((name, text)) = RUNBOOKS.iter().find(|(name, _)| *name == check) else {
        return Err(Trouble::usage(format!(
            "there is no check called `{check}`; `opsctl runbook` lists them"
        )));
    };
    let json = json!(Runbook { check: (*name).to_owned(), text: (*text).to_owned() });
    Ok(Told { text: (*text).to_owned(), json, exit: Exit::Clean })
}
