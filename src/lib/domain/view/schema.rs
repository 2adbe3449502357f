//! The JSON Schema of the view, for everybody who reads the file.

use schemars::schema_for;

use super::OpsState;

/// The schema as it stands in `docs/ops-state.schema.json`, with a newline at its end.
///
/// # Panics
///
/// Never: a schema is a tree of maps with text keys.
#[must_use]
pub fn ops_state_schema() -> String {
    let text = serde_json::to_string_pretty(&schema_for!(OpsState));
    format!("{}\n", text.expect("a schema is a tree of maps with text keys"))
}
