//! `<agent> --plan --out FILE` and `<agent> --apply FILE`: a plan on its way through a file, and the grant of one request.
//!
//! A file is only a wish. What it names is planned anew and asked of the gate like everything else.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::exit::Exit;
use crate::adapters::store::SqliteStore;
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::incident::ApprovalId;
use crate::domain::proposal::ActionDigest;
use crate::domain::saved_plan::{Applying, Place, SavedPlan};
use crate::domain::subject::AgentName;
use crate::engine::Engine;
use crate::ports::store::Store as _;
use crate::render::page::Page;
use crate::render::style::Style;

/// A plan of more bytes than this is none of ours.
const LARGEST: u64 = 16 * 1024 * 1024;
/// A plan names what is wrong on a host; nobody else need read it.
const OWNER_ONLY: u32 = 0o600;

/// What a person has carried out.
#[derive(Debug)]
pub(super) enum Wanted {
    /// A saved plan.
    Plan(Box<SavedPlan>),
    /// One granted request.
    Approval(ApprovalId),
}

/// Why it is not, and the code to end with.
pub(super) type Refusal = (String, Exit);

/// Reads what `--apply` names: the id of a request, or a file.
pub(super) fn read(named: &str, agent: &AgentName) -> Result<Wanted, Refusal> {
    if let Ok(id) = named.parse() {
        return Ok(Wanted::Approval(id));
    }
    let unusable =
        |why: String| (format!("failed to read the plan {named}: {why}"), Exit::BadConfig);
    let file = File::open(named).map_err(|error| unusable(error.to_string()))?;
    let mut bytes = Vec::new();
    let read = file.take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| unusable(error.to_string()))?;
    let plan: SavedPlan = serde_json::from_slice(&bytes).map_err(|error| {
        let form = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
        let other = form.and_then(|form| form.get("plan_version")?.as_u64());
        unusable(match other {
            Some(version) => format!("it is of form {version} and not understood ({error})"),
            None => format!("it is no plan of opswarden ({error})"),
        })
    })?;
    // Nothing is opened for another agent's plan.
    plan.made_by(agent).map_err(|error| (error.to_string(), Exit::BadConfig))?;
    Ok(Wanted::Plan(Box::new(plan)))
}

/// What the run is bound to, where that can be used here and now.
pub(super) async fn bind(
    wanted: Wanted,
    place: &Place,
    by: String,
    store: &SqliteStore,
) -> Result<Applying, Refusal> {
    match wanted {
        Wanted::Plan(plan) => {
            plan.fits(place).map_err(|error| (error.to_string(), Exit::BadConfig))?;
            Ok(Applying::plan(&plan, by))
        }
        Wanted::Approval(id) => {
            let found = one(store, id).await?;
            let owner = &found.ask.proposal.key.agent;
            if *owner != place.agent {
                let what = format!("{id} is for {owner}: run `{owner} --apply {id}`");
                return Err((what, Exit::BadConfig));
            }
            granted(&found, store.now())?;
            Ok(Applying::approval(&found, by))
        }
    }
}

fn granted(found: &Approval, now: jiff::Timestamp) -> Result<(), Refusal> {
    let id = found.id;
    match found.answered(now) {
        None => Err((
            format!("{id} waits for a person: `opsctl approve {id} --reason …` first"),
            Exit::Refused,
        )),
        Some(_) if found.state == ApprovalState::Granted && found.is_open(now) => Ok(()),
        Some(why) => Err((format!("{id} cannot be carried out: {why}"), Exit::Refused)),
    }
}

/// The request with this id.
pub(super) async fn one(store: &SqliteStore, id: ApprovalId) -> Result<Approval, Refusal> {
    let all = store.approvals(jiff::Timestamp::UNIX_EPOCH, u32::MAX).await;
    let all = all.map_err(|error| (error.to_string(), Exit::Incomplete))?;
    all.into_iter().find(|found| found.id == id).ok_or_else(|| {
        (format!("there is no {id} here; `opsctl approvals` lists them"), Exit::Incomplete)
    })
}

/// The digest of the settings that a run judges by, without secrets.
pub(super) fn settings(engine: &Engine, stanza: &serde_json::Value) -> ActionDigest {
    let setting = &engine.setting;
    let judged_by = serde_json::json!({
        "stanza": (engine.discreet)(stanza),
        "policy": setting.policy,
        "budgets": setting.budgets,
        "environment": setting.environment,
        "dialect": setting.dialect,
    });
    ActionDigest::of(judged_by.to_string().as_bytes())
}

/// Refuses to write where something is already.
pub(super) fn free(file: &Path) -> Result<(), String> {
    match std::fs::symlink_metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(format!(
            "{} exists already and is not overwritten; name another file, or move it away",
            file.display()
        )),
        Err(error) => Err(format!("failed to look at {}: {error}", file.display())),
    }
}

/// Writes the plan to a new file.
pub(super) fn write(plan: &SavedPlan, file: &Path) -> Result<(), String> {
    let failed =
        |error: std::io::Error| format!("failed to write the plan {}: {error}", file.display());
    let text = serde_json::to_string_pretty(plan).map_err(|error| error.to_string())?;
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(file)
        .map_err(failed)?;
    new.write_all(text.as_bytes()).and_then(|()| new.write_all(b"\n")).map_err(failed)?;
    new.sync_all().map_err(failed)
}

/// What was written, for people.
pub(super) fn told(plan: &SavedPlan, file: &Path, style: Style) -> String {
    let mut page = Page::new(style);
    let asks = plan.actions.iter().filter(|action| action.needs_approval).count();
    let word = match asks {
        0 => String::new(),
        1 => " 1 of them needs an approval, which applying the plan is.".to_owned(),
        many => format!(" {many} of them need an approval, which applying the plan is."),
    };
    let acts = match plan.actions.len() {
        1 => "1 act is".to_owned(),
        many => format!("{many} acts are"),
    };
    page.paragraph(&format!(
        "{acts} kept in {} (plan {}); `{} --apply {}` carries out what still holds then.{word}",
        file.display(),
        plan.digest.short(),
        plan.agent,
        file.display()
    ));
    page.into_text()
}
