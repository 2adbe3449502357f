//! The files of the package that are derived from the code: settings, schemas, programs, units. `scripts/sync` writes them,
//! and a test compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;

use crate::app::config::document::House;
use crate::app::config::{Config, ConfigErrors, Environ, schema};
use crate::app::documents;
use crate::app::paths::SYSTEM_FILE;
use crate::app::registry::Entry;
use crate::app::triggers::{self, Mode, NoForm, Place};
use crate::domain::policy::Policy;
use crate::domain::spec::Spec;
use crate::domain::timing::ScheduleSettings;
use crate::domain::view::ops_state_schema;
use crate::engine::own_checks;
use crate::render::agents_toml::{self, Section};
use crate::render::example::{Orders, note_orders, whole};
use crate::render::tree::Tree;

/// The commented settings file.
#[must_use]
pub fn agents_toml(entries: &[Entry]) -> String {
    let schema = schema::document(entries);
    let mut sections = vec![Section { path: Vec::new(), defaults: Tree::of(&House::default()) }];
    for entry in entries {
        let spec = (entry.spec)();
        let mut defaults = (entry.defaults)();
        let schedule =
            ScheduleSettings { cron: spec.cron.to_owned(), ..ScheduleSettings::default() };
        if let Tree::Table(fields) = &mut defaults {
            fields.push(("schedule".to_owned(), Tree::of(&schedule)));
            fields.push(("policy".to_owned(), Tree::of(&Policy::default())));
        }
        let path = vec!["agents".to_owned(), spec.name.to_string()];
        sections.push(Section { path, defaults });
    }
    agents_toml::render(&schema, &sections, &orders(&schema, entries))
}

/// In which order the fields of everything are declared, also of what no default has.
fn orders(schema: &Value, entries: &[Entry]) -> Orders {
    let mut orders = Orders::new();
    let mut document = whole(schema, schema, 0);
    let agents = document.as_object_mut().and_then(|fields| fields.remove("agents"));
    if let Ok(house) = House::deserialize(&document) {
        note_orders(&Tree::of(&house), &[], &mut orders);
    }
    for entry in entries {
        let name = (entry.spec)().name.to_string();
        let mut stanza =
            agents.as_ref().and_then(|all| all.get(&name)).cloned().unwrap_or_default();
        if let Some(fields) = stanza.as_object_mut() {
            fields.retain(|name, _| !schema::HOUSE_TABLES.contains(&name.as_str()));
        }
        if let Some(tree) = (entry.ordered)(&stanza) {
            note_orders(&tree, &["agents".to_owned(), name], &mut orders);
        }
    }
    orders
}

/// An agent's own binary.
fn program(spec: &Spec) -> String {
    format!(
        "//! {name}: {}.\n\nfn main() -> std::process::ExitCode {{\n    \
         opswarden::app::program::main(\"{name}\")\n}}\n",
        spec.summary,
        name = spec.name
    )
}

/// Every runbook as a part of the program, so that it can be read where no documents are installed.
fn runbooks(entries: &[Entry]) -> String {
    let house = own_checks::SPEC;
    let specs = entries.iter().map(|entry| (entry.spec)()).chain([house]);
    let checks: BTreeSet<String> =
        specs.flat_map(|spec| spec.checks).map(|check| check.id.to_string()).collect();
    let line = |check: &String| {
        format!(
            "    (\n        \"{check}\",\n        include_str!(\"../../../docs/runbooks/{check}.md\"),\n    ),\n"
        )
    };
    let lines: String = checks.iter().map(line).collect();
    format!(
        "//! The runbooks, by the checks that they are for. Derived by `scripts/sync`.\n\n/// Every runbook.\n\
         #[rustfmt::skip]\npub(crate) static RUNBOOKS: &[(&str, &str)] = &[\n{lines}];\n"
    )
}

/// Why a file cannot be derived.
#[derive(Debug, thiserror::Error)]
pub enum NotDerived {
    /// The defaults are no settings that can be used.
    #[error("the defaults cannot be used: {0}")]
    Defaults(#[from] ConfigErrors),
    /// What starts agents cannot keep their defaults.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoForm(Vec<NoForm>),
}

impl From<Vec<NoForm>> for NotDerived {
    fn from(wrong: Vec<NoForm>) -> Self {
        Self::NoForm(wrong)
    }
}

/// The units of a package, for the defaults of every agent: both modes in one folder, of which an admin enables one.
fn units(entries: &[Entry]) -> Result<BTreeMap<String, String>, NotDerived> {
    let loaded = Config::from_text(Path::new(SYSTEM_FILE), "", &Environ::of([]), entries)?;
    let place =
        Place { programs: triggers::PROGRAMS, user: triggers::USER, now: Timestamp::UNIX_EPOCH };
    let mut files = BTreeMap::new();
    for mode in [Mode::Daemon, Mode::Timers] {
        let made = triggers::units(&loaded.config, entries, mode, &place)?;
        files.extend(
            made.files.into_iter().map(|file| (format!("systemd/{}", file.name), file.text)),
        );
    }
    Ok(files)
}

/// Every derived file by its path in the package, with its contents.
///
/// # Errors
///
/// Defaults that cannot be used, or that a trigger cannot keep, with the reason.
pub fn files(entries: &[Entry]) -> Result<BTreeMap<String, String>, NotDerived> {
    let mut files = BTreeMap::from([
        ("agents.toml".to_owned(), agents_toml(entries)),
        ("docs/agents.schema.json".to_owned(), format!("{:#}\n", schema::document(entries))),
        ("docs/ops-state.schema.json".to_owned(), ops_state_schema()),
        ("src/lib/app/runbooks.rs".to_owned(), runbooks(entries)),
    ]);
    for document in documents::all().into_iter().chain(documents::sent()) {
        let path = format!("docs/json/{}.schema.json", document.name);
        files.insert(path, format!("{:#}\n", document.schema));
    }
    for entry in entries {
        let spec = (entry.spec)();
        files.insert(format!("src/bin/{}.rs", spec.name), program(&spec));
    }
    files.extend(units(entries)?);
    Ok(files)
}
