//! Bodies for webhooks, in the form of each template.

use serde_json::{Value, json};

use super::{discord, generic, pagerduty, teams};
use crate::domain::notice::{Message, Template};

/// The body of `message` in the form of `template`. The key says which service of `PagerDuty` it is for; the other templates
/// have no place for one, and take no notice of it.
#[must_use]
pub fn body(template: Template, message: &Message, routing_key: &str) -> Value {
    match template {
        Template::Generic => json!(generic::notice(message)),
        Template::Pagerduty => pagerduty::event(message, routing_key),
        Template::Discord => discord::message(message),
        Template::Teams => teams::message(message),
    }
}
