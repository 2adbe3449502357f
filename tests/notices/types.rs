//! Bodies are what the receivers' own type definitions say: written into a TypeScript file as literals, and compiled.

use std::fmt::Write as _;

use opswarden::domain::notice::Template;
use opswarden::render::notice::{slack, webhook};
use serde_json::Value;

use super::peers_tsc::complaints;
use super::samples;

const PACKAGES: [&str; 4] =
    ["@slack/types", "@pagerduty/pdjs", "discord-api-types", "@microsoft/teams.cards"];
const IMPORTS: &str = "\
import type { KnownBlock, MessageAttachment } from '@slack/types';
import type { EventPayloadV2 } from '@pagerduty/pdjs/build/src/events';
import type { RESTPostAPIWebhookWithTokenJSONBody } from 'discord-api-types/v10';
import type { IAdaptiveCard } from '@microsoft/teams.cards';
\
/** What of `chat.postMessage` is written in a thread. */
interface Reply {
  text: string; mrkdwn?: boolean; parse: 'none' | 'full'; link_names: boolean;
  unfurl_links: boolean; unfurl_media: boolean; reply_broadcast?: boolean;
  blocks?: KnownBlock[]; attachments?: MessageAttachment[];
}
";

/// Constants of the receivers' types, one for each part of a body that has one.
fn literals(number: usize, message: &opswarden::domain::notice::Message) -> String {
    let mut source = String::new();
    let mut add = |name: &str, kind: &str, value: &Value| {
        let _infallible = writeln!(source, "export const {name}{number}: {kind} = {value};");
    };
    for (name, body) in [("webhook", slack::webhook(message)), ("post", slack::post(message))] {
        add(&format!("{name}_blocks"), "KnownBlock[]", &body["blocks"]);
        add(&format!("{name}_inner"), "KnownBlock[]", &body["attachments"][0]["blocks"]);
        add(&format!("{name}_attachments"), "MessageAttachment[]", &body["attachments"]);
    }
    for (name, body) in [("history", slack::history(message)), ("reply", slack::reply(message))] {
        add(name, "Reply", &body);
    }
    let body = |template| webhook::body(template, message, "routing-key");
    let pagerduty = "EventPayloadV2 & { client: string }";
    add("pagerduty", pagerduty, &body(Template::Pagerduty));
    add("discord", "RESTPostAPIWebhookWithTokenJSONBody", &body(Template::Discord));
    add("teams", "IAdaptiveCard", &body(Template::Teams)["attachments"][0]["content"]);
    source
}

#[test]
fn bodies_are_of_the_receivers_own_types() {
    let samples = samples::all();
    let all = samples.iter().enumerate().map(|(number, (_, message))| literals(number, message));
    let source = format!("{IMPORTS}{}", all.collect::<String>());
    let Some(told) = complaints(&PACKAGES, &source) else { return };
    assert_eq!(told, "");
}

#[test]
fn a_body_of_another_type_would_be_noticed() {
    let message = samples::all().swap_remove(0).1;
    let good = literals(0, &message);
    // One wrong place for each receiver.
    let injuries = [
        ("\"type\":\"header\"", "\"type\":\"heading\""),
        ("\"verbatim\":true", "\"verbatim\":1"),
        ("\"color\":\"#", "\"colour\":\"#"),
        ("\"event_action\":\"trigger\"", "\"event_action\":\"open\""),
        ("\"allowed_mentions\":{\"parse\":[]}", "\"allowed_mentions\":{\"parse\":[\"all\"]}"),
        ("\"fontType\":\"Monospace\"", "\"fontType\":\"Fixed\""),
    ];
    for (right, wrong) in injuries {
        let bad = good.replacen(right, wrong, 1);
        assert_ne!(bad, good, "{right}");
        let Some(told) = complaints(&PACKAGES, &format!("{IMPORTS}{bad}")) else { return };
        assert!(told.contains("error TS"), "{wrong}: {told}");
    }
}
