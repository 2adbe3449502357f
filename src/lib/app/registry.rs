//! Where generics end: every agent as a row of plain function pointers.
//!
//! [`Agent`] is not dyn-compatible, and agents may not look at the engine; so this table turns each agent type
//! into functions that the rest of the application can call without knowing the type.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::agent::{Agent, Need, Problem};
use crate::agents::content_lifecycle::ContentLifecycle;
use crate::agents::db_maintainer::DbMaintainer;
use crate::agents::fleet_manager::FleetManager;
use crate::agents::health_guardian::HealthGuardian;
use crate::agents::ops_reporter::OpsReporter;
use crate::agents::schedule_doctor::ScheduleDoctor;
use crate::domain::report::Report;
use crate::domain::spec::Spec;
use crate::engine::Engine;
use crate::engine::tape::{Replay, ReplayError, replay};
use crate::ports::Pending;
use crate::render::tree::Tree;

/// A stanza that was read: its effective values, and what its agent says about them.
#[derive(Clone, Debug)]
pub struct ReadStanza {
    /// Every value, defaults included, as the agent would be built from it again.
    pub effective: Value,
    /// Problems beyond the types of single values.
    pub problems: Vec<Problem>,
    /// The senses that these settings need.
    pub needs: Vec<Need>,
}

/// One agent without its type.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What the agent is.
    pub spec: fn() -> Spec,
    /// The JSON Schema of its stanza, without the house's sub-tables.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Reads a stanza, from which the house's sub-tables were taken out.
    pub read: fn(toml::de::Deserializer<'_>) -> Result<ReadStanza, toml::de::Error>,
    /// The senses that an effective stanza needs.
    pub needs: fn(&Value) -> Vec<Need>,
    /// Runs it once.
    pub run: for<'a> fn(&'a Engine, &'a Value) -> Pending<'a, Report>,
    /// Judges a recorded run again.
    pub replay: fn(&[u8]) -> Result<Replay, ReplayError>,
    /// Its defaults, in the order in which its fields are declared.
    pub defaults: fn() -> Tree,
    /// A stanza's values in that order, where they are of the right form.
    pub ordered: fn(&Value) -> Option<Tree>,
}

impl Entry {
    /// The row of agent `A`.
    #[must_use]
    pub const fn of<A: Agent>() -> Self {
        Self {
            spec: || A::SPEC,
            schema: A::json_schema,
            read: read_stanza::<A>,
            needs: |stanza| effective::<A>(stanza).needs(),
            run: |engine, stanza| {
                Box::pin(async move { engine.run(&effective::<A>(stanza)).await })
            },
            replay: replay::<A>,
            defaults: || Tree::of(&A::default()),
            ordered: |stanza| A::deserialize(stanza).ok().map(|agent| Tree::of(&agent)),
        }
    }
}

/// Every agent, one line each.
pub static ALL: &[Entry] = &[
    Entry::of::<HealthGuardian>(),
    Entry::of::<ContentLifecycle>(),
    Entry::of::<FleetManager>(),
    Entry::of::<ScheduleDoctor>(),
    Entry::of::<DbMaintainer>(),
    Entry::of::<OpsReporter>(),
];

/// The agent of a stanza that was read before.
fn effective<A: Agent>(stanza: &Value) -> A {
    A::deserialize(stanza.clone()).expect("an effective stanza was an `A` before")
}

/// The row of the agent called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| (entry.spec)().name.as_str() == name)
}

fn read_stanza<A: Agent>(
    stanza: toml::de::Deserializer<'_>,
) -> Result<ReadStanza, toml::de::Error> {
    let agent = A::deserialize(stanza)?;
    let effective = serde_json::to_value(&agent).map_err(serde::de::Error::custom)?;
    Ok(ReadStanza { effective, problems: agent.problems(), needs: agent.needs() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_agent_has_checks() {
        let names: std::collections::BTreeSet<_> =
            ALL.iter().map(|entry| (entry.spec)().name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|entry| !(entry.spec)().checks.is_empty()));
    }
}
