//! The JSON Schema of the view, for everybody who reads the file.

use schemars::schema_for;

use super::OpsState;

/// The schema as it stands in `docs/ops-state.schema.json`, with a newline at its end.
#[must_use]
pub fn ops_state_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema_for!(OpsState))
        .expect("a schema is a tree of maps with text keys");
    text.push('\n');
    text
}
