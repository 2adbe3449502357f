//! A settings text on its way through both passes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::document::House;
use super::environ::Environ;
use super::load::{AgentSettings, Config, Loaded};
use super::notify::ping_name;
use super::position::{excerpt, place};
use super::problem::{ConfigErrors, Level, Problem};
use super::setting_path::SettingPath;
use super::{lints, origins, resolve, schema, secret, stores, walk};
use crate::adapters::redact::SHORTEST_KNOWN;
use crate::agent::Need;
use crate::app::registry::{Entry, ReadStanza};
use crate::domain::policy::Policy;
use crate::domain::process::ManagerKind;
use crate::domain::subject::AgentName;
use crate::domain::timing::ScheduleSettings;

/// One agent's part of the file, read and not yet judged.
struct Read {
    schedule: ScheduleSettings,
    policy: Policy,
    stanza: ReadStanza,
}

/// A text that stands for the contents of a file.
pub(super) struct Reader<'t> {
    file: &'t Path,
    text: &'t str,
}

impl<'t> Reader<'t> {
    /// A reader of `text`.
    pub(super) const fn new(file: &'t Path, text: &'t str) -> Self {
        Self { file, text }
    }

    /// Both passes.
    pub(super) fn config(
        &self,
        environ: &Environ,
        entries: &[Entry],
    ) -> Result<Loaded, ConfigErrors> {
        let (document, broken) = DeTable::parse_recoverable(self.text);
        if !broken.is_empty() {
            // After the first error in a line the parser is guessing.
            let mut errors = self.errors(broken.iter().map(|error| self.syntax(error)).collect());
            errors.problems.dedup_by_key(|problem| problem.place.map(|place| place.line));
            return Err(errors);
        }
        let mistakes = walk::walk(&schema::document(entries), &document);
        if !mistakes.is_empty() {
            return Err(self.errors(mistakes.into_iter().map(|one| self.mistake(one)).collect()));
        }
        self.build(&document, environ, entries)
    }

    fn errors(&self, mut problems: Vec<Problem>) -> ConfigErrors {
        problems.sort_by_key(|problem| problem.place);
        ConfigErrors { file: Some(self.file.to_owned()), problems }
    }

    fn problem(&self, level: Level, span: Option<Range<usize>>, message: String) -> Problem {
        Problem {
            level,
            file: self.file.display().to_string(),
            place: span.map(|span| place(self.text, span.start)),
            path: String::new(),
            message,
            hint: None,
            excerpt: None,
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> Problem {
        let message = error.message().replace('\n', ", ");
        let mut problem = self.problem(Level::Error, error.span(), message);
        problem.excerpt = problem.place.map(|place| excerpt(self.text, place));
        problem
    }

    fn mistake(&self, mistake: walk::Mistake) -> Problem {
        let path = mistake.path.to_string();
        let problem = self.problem(Level::Error, Some(mistake.span), mistake.message);
        Problem { path, hint: mistake.hint, ..problem }
    }

    fn lint(&self, document: &DeTable<'_>, lint: lints::Lint) -> Problem {
        let path = lint.path.to_string();
        Problem { path, ..self.problem(lint.level, lint.path.locate(document), lint.message) }
    }

    /// A value that is of the right type and still refused by its struct.
    fn refused(&self, at: &SettingPath, error: &toml::de::Error) -> Problem {
        let message = error.message().to_owned();
        Problem { path: at.to_string(), ..self.problem(Level::Error, error.span(), message) }
    }

    /// The second pass.
    fn build(
        &self,
        document: &Spanned<DeTable<'_>>,
        environ: &Environ,
        entries: &[Entry],
    ) -> Result<Loaded, ConfigErrors> {
        let table = document.get_ref();
        let mut problems = Vec::new();
        let mut house = self.house(document, &mut problems);
        let mut lints = lints::budgets(house.budgets);
        lints.extend(house.platform.iter().flat_map(lints::platform));
        lints.extend(lints::notify(&house.notify, entries));
        let mut agents = BTreeMap::new();
        let mut used = BTreeSet::new();
        let mut addresses = Vec::new();
        for entry in entries {
            let Some(read) = self.agent(entry, table, &mut problems) else { continue };
            let spec = (entry.spec)();
            used.extend(read.stanza.needs.iter().filter_map(manager));
            addresses.extend(stores::names(&read.stanza.needs));
            let (ready, found) =
                lints::agent(&spec, read.schedule, read.policy, read.stanza, table, environ.now());
            lints.extend(found);
            agents.extend(ready.map(|ready| (spec.name, ready)));
        }
        if problems.is_empty() {
            lints.extend(lints::managers(table, &used));
        }
        problems.extend(lints.into_iter().map(|lint| self.lint(table, lint)));
        let tenants = house.platform.as_ref().map_or(&[][..], |platform| &platform.tenants);
        let (given, unreadable) = secret::read_all(
            (environ, self.file),
            tenants,
            &house.notify.channels,
            entries.iter().map(|entry| ping_name((entry.spec)().name.as_str())).chain(addresses),
        );
        problems.extend(unreadable.iter().map(|error| self.of_environment(&chain(error))));
        problems.extend(
            given
                .iter()
                .filter_map(too_short)
                .map(|message| Problem { level: Level::Warning, ..self.of_environment(&message) }),
        );
        if problems.iter().any(|problem| problem.level == Level::Error) {
            return Err(self.errors(problems));
        }
        let resolved = resolve::resolve(&mut house, self.file, environ);
        let mut rows = origins::rows(&effective(&house, &agents), table, self.text);
        resolve::amend(&mut rows, &resolved, &given);
        house.notify.complete(&given);
        problems.extend(
            lints::completed(&house.notify, &given).into_iter().map(|one| self.lint(table, one)),
        );
        problems.sort_by_key(|problem| problem.place);
        let config = Config {
            file: self.file.to_owned(),
            text: self.text.to_owned(),
            environment: house.environment,
            host: house.host,
            paths: resolved.paths,
            managers: house.managers,
            budgets: house.budgets,
            notify: house.notify,
            platform: house.platform,
            agents,
            origins: rows,
            given,
        };
        Ok(Loaded { config, warnings: problems })
    }

    fn house(&self, document: &Spanned<DeTable<'_>>, problems: &mut Vec<Problem>) -> House {
        let mut table = document.get_ref().clone();
        table.remove("agents");
        let top = SettingPath::default();
        self.part(&top, Spanned::new(document.span(), table), problems).unwrap_or_default()
    }

    fn agent(
        &self,
        entry: &Entry,
        document: &DeTable<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Read> {
        let name = (entry.spec)().name;
        let at = SettingPath::of(&["agents", name.as_str()]);
        let mut stanza = sub_table(document, "agents")
            .and_then(|agents| sub_table(agents.get_ref(), name.as_str()))
            .unwrap_or_else(|| Spanned::new(0..0, DeTable::new()));
        let [schedule, policy] = schema::HOUSE_TABLES.map(|part| {
            let table = sub_table(stanza.get_ref(), part);
            stanza.get_mut().remove(part);
            table.unwrap_or_else(|| Spanned::new(0..0, DeTable::new()))
        });
        let schedule = self.part(&at.key("schedule"), schedule, problems);
        let policy = self.part(&at.key("policy"), policy, problems);
        let stanza = match (entry.read)(Deserializer::from(stanza)) {
            Ok(stanza) => Some(stanza),
            Err(error) => {
                problems.push(self.refused(&at, &error));
                None
            }
        };
        Some(Read { schedule: schedule?, policy: policy?, stanza: stanza? })
    }

    fn part<T: DeserializeOwned>(
        &self,
        at: &SettingPath,
        table: Spanned<DeTable<'_>>,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        match T::deserialize(Deserializer::from(table)) {
            Ok(read) => Some(read),
            Err(error) => {
                problems.push(self.refused(at, &error));
                None
            }
        }
    }

    fn of_environment(&self, message: &str) -> Problem {
        let problem = self.problem(Level::Error, None, message.to_owned());
        Problem { file: "environment".to_owned(), ..problem }
    }
}

fn chain(error: &secret::SecretError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn too_short(given: &secret::Given) -> Option<String> {
    let short = given.hidden && given.value.expose().len() < SHORTEST_KNOWN;
    let name = &given.name;
    short.then(|| {
        format!(
            "{name} is so short that it cannot be told apart in logs, and is not taken out of them"
        )
    })
}

fn sub_table<'i>(table: &DeTable<'i>, name: &str) -> Option<Spanned<DeTable<'i>>> {
    let value = table.get(name)?;
    match value.get_ref() {
        DeValue::Table(inner) => Some(Spanned::new(value.span(), inner.clone())),
        _ => None,
    }
}

const fn manager(need: &Need) -> Option<ManagerKind> {
    match need {
        Need::Manager { kind, .. } => Some(*kind),
        Need::Prober { .. } | Need::Host | Need::Platform | Need::Store(_) => None,
    }
}

/// Everything as one value, in the form of the file.
fn effective(house: &House, agents: &BTreeMap<AgentName, AgentSettings>) -> Value {
    let mut all = json!(house);
    let stanzas = agents.iter().map(|(name, settings)| {
        let mut stanza = settings.stanza.clone();
        if let Some(stanza) = stanza.as_object_mut() {
            stanza.insert("schedule".to_owned(), json!(settings.written()));
            stanza.insert("policy".to_owned(), json!(settings.policy));
        }
        (name.to_string(), stanza)
    });
    let stanzas: serde_json::Map<String, Value> = stanzas.collect();
    if let Some(all) = all.as_object_mut() {
        all.insert("agents".to_owned(), Value::Object(stanzas));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::registry;

    fn load(text: &str) -> Result<Loaded, ConfigErrors> {
        let file = Path::new("agents.toml");
        Reader::new(file, text).config(&Environ::of([("HOME", "/home/ops")]), registry::ALL)
    }

    #[test]
    fn an_empty_file_means_every_default() {
        let loaded = load("").unwrap();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.config.host, "localhost");
        assert_eq!(loaded.config.managers.pm2.home, "/home/ops/.pm2");
        let guardian: crate::agents::health_guardian::HealthGuardian = loaded.config.agent();
        assert_eq!(guardian, crate::agents::health_guardian::HealthGuardian::default());
    }

    #[test]
    fn every_mistake_is_listed_with_its_line_and_a_hint() {
        let text = "host = 3\nenvironmet = \"production\"\n[agents.health-guardian.policy]\n\
                    autonomy = \"act!\"\nback_off = 5\n[agents.helth-guardian]\n";
        let shown = load(text).unwrap_err().to_string();
        let expected = "agents.toml:1:8: host: a text in quotes is expected here, and this is a whole number; put it in quotes\n\
            agents.toml:2:1: environmet: there is no setting called `environmet`; did you mean `environment`?\n\
            agents.toml:4:12: agents.health-guardian.policy.autonomy: \"act!\" is not one of its words; did you mean \"act\"? write one of \"observe\", \"propose\", \"approve\", \"act\"\n\
            agents.toml:5:12: agents.health-guardian.policy.back_off: a text in quotes is expected here, and this is a whole number; write it with its unit: \"5s\" or \"5m\"\n\
            agents.toml:6:9: agents.helth-guardian: there is no agent called `helth-guardian`; did you mean `health-guardian`?";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_syntax_error_shows_its_line_and_a_caret() {
        let shown = load("host = \"a\"\nx = = 3\n").unwrap_err().to_string();
        assert!(shown.starts_with("agents.toml:2:5: "), "{shown}");
        assert!(shown.contains("2 | x = = 3") && shown.contains("    ^"), "{shown}");
    }

    #[test]
    fn cross_field_problems_are_found_at_their_lines() {
        let text = "[[agents.health-guardian.services]]\nname = \"api\"\n\
                    probes = [{ url = \"ftp://x\" }]\n[agents.health-guardian.schedule]\ntimeout = \"6m\"\n";
        let shown = load(text).unwrap_err().to_string();
        assert!(
            shown.contains(
                "agents.toml:3:19: agents.health-guardian.services[0].probes[0].url: `ftp`"
            ),
            "{shown}"
        );
        assert!(
            shown.contains(
                "agents.toml:5:11: warning: agents.health-guardian.schedule.timeout: a run may take 6m"
            ),
            "{shown}"
        );
    }

    #[test]
    fn a_time_that_the_coming_year_leaves_out_is_told_where_the_time_is_known() {
        let text = "[agents.fleet-manager.schedule]\nzone = \"Europe/Paris\"\ncron = \"30 2 * * *\"\n\
                    [agents.fleet-manager.policy]\nback_off = \"2d\"\nback_off_cap = \"2d\"\n";
        let file = Path::new("agents.toml");
        let load = |environ: &Environ| Reader::new(file, text).config(environ, registry::ALL);
        let nowhere = Environ::of([]);
        assert_eq!(load(&nowhere).unwrap().warnings, []);
        let here = nowhere.at("2026-11-20T12:00:00Z".parse().unwrap());
        let warnings = load(&here).unwrap().warnings;
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        let expected = "agents.toml:3:8: warning: agents.fleet-manager.schedule.cron: the local time 2027-03-28 02:30:00 does not \
                        exist; on that day it fires at 03:00:00 (2027-03-28T01:00:00Z)";
        assert!(warning.to_string().ends_with(expected), "{warning}");
    }
}
