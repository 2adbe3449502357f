//! What a receiver would refuse, or obey. Each judge is shown to refuse what is wrong.

use opswarden::domain::notice::{Body, Message, Template};
use opswarden::domain::view::OpsState;
use opswarden::render::notice::mail::Mail;
use opswarden::render::notice::{dashboard, mail, slack, webhook};
use opswarden::render::table::display_width;
use serde_json::{Value, json};

use super::html;

/// Everything that is wrong with the message on any channel.
pub(crate) fn unfit(message: &Message) -> Vec<String> {
    let body = |template| webhook::body(template, message, "key");
    let mut wrong = Vec::new();
    let mut add = |name: &str, found: Vec<String>| {
        wrong.extend(found.into_iter().map(|one| format!("{name}: {one}")));
    };
    add("webhook", of_slack(&slack::webhook(message)));
    add("post", of_slack(&slack::post(message)));
    add("history", of_slack(&slack::history(message)));
    add("reply", of_slack(&slack::reply(message)));
    add("mail", of_mail(&mail::mail(message)));
    add("generic", of_generic(&body(Template::Generic)));
    add("pagerduty", of_pagerduty(&body(Template::Pagerduty)));
    add("discord", of_discord(&body(Template::Discord)));
    add("teams", of_teams(&body(Template::Teams)));
    if let Body::Dashboard(state) = &message.body {
        add("dashboard", of_projection(&dashboard::projection(state)));
    }
    wrong
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    c.is_control() && c != '\n'
        || turns
        || matches!(c, '\u{200b}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// Every text of a document, keys as well.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| std::iter::once(key.as_str()).chain(texts(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn obeyed(value: &Value) -> Option<String> {
    let bad = texts(value).into_iter().find(|text| text.contains(is_obeyed));
    bad.map(|text| format!("a control character in {text:?}"))
}

fn too_long(what: &str, text: &str, most: usize) -> Option<String> {
    (units(text) > most).then(|| format!("{what} has {} of {most}", units(text)))
}

/// Objects of a document that have a field.
fn having<'v>(value: &'v Value, field: &str) -> Vec<&'v Value> {
    let mut found: Vec<&Value> = value.get(field).map(|_| value).into_iter().collect();
    match value {
        Value::Array(items) => found.extend(items.iter().flat_map(|item| having(item, field))),
        Value::Object(fields) => found.extend(fields.values().flat_map(|item| having(item, field))),
        _ => {}
    }
    found
}

pub(crate) fn of_slack(body: &Value) -> Vec<String> {
    let mut wrong: Vec<String> = obeyed(body).into_iter().collect();
    let fallback = body["text"].as_str().unwrap_or_default();
    wrong.extend(too_long("the fallback", fallback, 3_000));
    wrong.extend(unescaped(fallback, false));
    wrong.extend(marks(fallback));
    let lists = having(body, "blocks");
    let blocks: Vec<&Value> =
        lists.iter().filter_map(|one| one["blocks"].as_array()).flatten().collect();
    if blocks.len() > 45 {
        wrong.push(format!("{} blocks", blocks.len()));
    }
    let total: usize = blocks
        .iter()
        .flat_map(|block| having(block, "text"))
        .filter_map(|one| one["text"].as_str())
        .map(units)
        .sum();
    if total + units(fallback) > 12_000 {
        wrong.push(format!("{total} characters in all"));
    }
    for block in blocks {
        wrong.extend(of_block(block));
    }
    wrong
}

fn of_block(block: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let most = if block["type"] == "header" { 150 } else { 3_000 };
    let fields = block["fields"].as_array().map_or(&[][..], Vec::as_slice);
    if fields.len() > 10 {
        wrong.push(format!("{} fields", fields.len()));
    }
    let limits = fields.iter().map(|field| (field, 2_000));
    let elements = block["elements"].as_array().into_iter().flatten().map(|one| (one, 3_000));
    let own = block.get("text").map(|text| (text, most));
    for (object, most) in own.into_iter().chain(limits).chain(elements) {
        let text = object["text"].as_str().unwrap_or_default();
        wrong.extend(too_long("a text", text, most));
        if text.is_empty() {
            wrong.push("an empty text".to_owned());
        }
        let is_plain = object["type"] == "plain_text";
        wrong.extend(unescaped(text, !is_plain));
        if !is_plain {
            wrong.extend(marks(text));
            if object["verbatim"] != true {
                wrong.push(format!("not verbatim: {text:?}"));
            }
        }
    }
    wrong
}

/// `<` is written only around an address of ours, and `&` only for the three that it stands for.
fn unescaped(text: &str, may_link: bool) -> Option<String> {
    let entities = ["&amp;", "&lt;", "&gt;"];
    let after = |place: usize| &text[place..];
    let bad = text
        .match_indices('&')
        .any(|(place, _)| !entities.iter().any(|one| after(place).starts_with(one)));
    let is_link =
        |place: usize| may_link && after(place).starts_with("<https://wiki.example.test/");
    let tag = text.match_indices('<').any(|(place, _)| !is_link(place));
    let ends = text.matches('>').count() != text.matches('<').count();
    (bad || tag || ends).then(|| format!("unescaped: {text:?}"))
}

/// Marks that Slack obeys: ours are a bold name at the beginning of a line, and whole blocks of code.
fn marks(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_code =
        text.starts_with("```") && text.ends_with("```") && text.matches('`').count() == 6;
    if is_code {
        return wrong;
    }
    for line in text.lines() {
        let stars = line.matches('*').count();
        let is_ours = stars == 0 || stars == 2 && line.starts_with('*');
        let words: Vec<char> = line.chars().collect();
        let near = |place: Option<usize>| place.and_then(|place| words.get(place)).copied();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        // Where a text was cut, no mark can follow that this one begins.
        let is_inside = |place: usize| {
            let after = near(Some(place + 1));
            is_word(near(place.checked_sub(1))) && (is_word(after) || after == Some('…'))
        };
        let is_link = line.starts_with('<');
        let loose =
            words.iter().enumerate().any(|(place, c)| *c == '_' && !is_link && !is_inside(place));
        if !is_ours || loose || line.contains(['~', '`']) || line.starts_with("&gt;") {
            wrong.push(format!("a mark in {line:?}"));
        }
    }
    wrong
}

pub(crate) fn of_mail(mail: &Mail) -> Vec<String> {
    let mut wrong: Vec<String> = too_long("the subject", &mail.subject, 120).into_iter().collect();
    if mail.subject.contains(|c: char| c.is_control()) || mail.subject.trim().is_empty() {
        wrong.push(format!("the subject {:?}", mail.subject));
    }
    for text in [&mail.subject, &mail.text, &mail.html] {
        if let Some(c) = text.chars().find(|c| is_obeyed(*c)) {
            wrong.push(format!("{c:?} in {text:?}"));
        }
    }
    let is_wide = |line: &&str| display_width(line) > 76 && !line.starts_with("https://");
    wrong.extend(mail.text.lines().find(is_wide).map(|line| format!("too wide: {line}")));
    for (name, part, most) in [("text", &mail.text, 40_000), ("html", &mail.html, 100_000)] {
        if part.len() > most * 4 || units(part) > most {
            wrong.push(format!("the {name} part has {}", part.len()));
        }
    }
    let is_atom = |part: &str| {
        part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) && !part.is_empty()
    };
    for left in [&mail.message_id_left, &mail.references_left] {
        if left.len() > 128 || !left.split('.').all(is_atom) {
            wrong.push(format!("the id {left:?}"));
        }
    }
    wrong.extend(html::wrong(&mail.html));
    wrong
}

fn size(what: &str, body: &Value, most: usize) -> Option<String> {
    let size = body.to_string().len();
    (size > most).then(|| format!("{what} has {size} of {most} bytes"))
}

fn schema(name: &str) -> jsonschema::Validator {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(path).expect("the schema is there");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("it is JSON"))
        .expect("it is a schema")
}

thread_local! {
    static NOTICE: jsonschema::Validator = schema("docs/json/notice.schema.json");
    static VIEW: jsonschema::Validator = schema("docs/ops-state.schema.json");
}

pub(crate) fn of_generic(body: &Value) -> Vec<String> {
    let mut wrong: Vec<String> =
        obeyed(body).into_iter().chain(size("the body", body, 256_000)).collect();
    let errors = NOTICE
        .with(|one| one.iter_errors(body).map(|error| format!("{error}")).collect::<Vec<_>>());
    wrong.extend(errors);
    wrong
}

pub(crate) fn of_pagerduty(body: &Value) -> Vec<String> {
    let mut wrong: Vec<String> =
        obeyed(body).into_iter().chain(size("the event", body, 512_000)).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let payload = &body["payload"];
    wrong.extend(too_long("the summary", &text(&payload["summary"]), 1_024));
    wrong.extend(too_long("the key", &text(&body["dedup_key"]), 255));
    let known =
        |value: &Value, words: &[&str]| value.as_str().is_some_and(|word| words.contains(&word));
    if !known(&body["event_action"], &["trigger", "acknowledge", "resolve"]) {
        wrong.push(format!("the action {}", body["event_action"]));
    }
    if !known(&payload["severity"], &["critical", "error", "warning", "info"]) {
        wrong.push(format!("the severity {}", payload["severity"]));
    }
    if text(&payload["summary"]).is_empty()
        || text(&payload["source"]).is_empty()
        || text(&body["routing_key"]).is_empty()
    {
        wrong.push("an empty summary, source or key".to_owned());
    }
    wrong
}

pub(crate) fn of_discord(body: &Value) -> Vec<String> {
    let mut wrong: Vec<String> = obeyed(body).into_iter().collect();
    if body["allowed_mentions"] != json!({ "parse": [] }) {
        wrong.push("mentions are allowed".to_owned());
    }
    let mut total = 0;
    for embed in body["embeds"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (title, description) = (text(&embed["title"]), text(&embed["description"]));
        let footer = text(&embed["footer"]["text"]);
        wrong.extend(too_long("the title", &title, 256));
        wrong.extend(too_long("the description", &description, 4_096));
        wrong.extend(too_long("the footer", &footer, 2_048));
        total += units(&title) + units(&description) + units(&footer);
        wrong.extend(markdown(&title).into_iter().chain(markdown(&description)));
    }
    if total > 6_000 {
        wrong.push(format!("{total} characters in all"));
    }
    wrong
}

/// Marks of Markdown that are no escape: ours are bold names, lists, blocks of code and one address.
fn markdown(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line == "```" {
            is_code = !is_code;
            continue;
        }
        let mut bare = String::new();
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            if c == '\\' {
                characters.next();
            } else {
                bare.push(c);
            }
        }
        let own = bare.strip_prefix("- ").unwrap_or(&bare);
        let own = own.strip_prefix("**").and_then(|own| own.split_once("**")).map_or(
            own.to_owned(),
            |(name, rest)| {
                format!("{}{}", name.trim_end_matches(':'), rest.trim_start_matches(':'))
            },
        );
        let is_link = own.starts_with('[')
            && own.ends_with(">)")
            && own.contains("](<https://wiki.example.test/")
            && own.matches(['[', '<', '(']).count() == 3;
        if !is_code
            && !is_link
            && own.contains(['*', '_', '~', '`', '|', '<', '>', '[', ']', '(', ')', '#', ':', '@'])
        {
            wrong.push(format!("a mark in {line:?}"));
        }
    }
    if is_code {
        wrong.push("code without an end".to_owned());
    }
    wrong
}

pub(crate) fn of_teams(body: &Value) -> Vec<String> {
    let mut wrong: Vec<String> =
        obeyed(body).into_iter().chain(size("the message", body, 28_000)).collect();
    for object in having(body, "text") {
        if object["type"] != "TextRun" {
            wrong.push(format!("a text that is read as Markdown: {object}"));
        }
    }
    let content = &body["attachments"][0]["content"];
    if content["body"].as_array().is_none_or(Vec::is_empty) {
        wrong.push("no body".to_owned());
    }
    for one in having(body, "url") {
        if !one["url"].as_str().is_some_and(|url| url.starts_with("https://wiki.example.test/")) {
            wrong.push(format!("the address {}", one["url"]));
        }
    }
    wrong
}

pub(crate) fn of_projection(view: &Value) -> Vec<String> {
    let mut wrong: Vec<String> =
        obeyed(view).into_iter().chain(size("the view", view, 90_000)).collect();
    wrong.extend(
        VIEW.with(|one| one.iter_errors(view).map(|error| format!("{error}")).collect::<Vec<_>>()),
    );
    match serde_json::from_value::<OpsState>(view.clone()) {
        Ok(read) if json!(read) == *view => {}
        Ok(_) => wrong.push("fields that the view has not".to_owned()),
        Err(error) => wrong.push(format!("{error}")),
    }
    wrong
}

/// Whether a judge finds something in a body that was changed at one place.
fn noticed(judge: fn(&Value) -> Vec<String>, good: &Value, pointer: &str, bad: Value) {
    assert_eq!(judge(good), Vec::<String>::new());
    let mut changed = good.clone();
    *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer} in {good:#}")) =
        bad.clone();
    assert_ne!(judge(&changed), Vec::<String>::new(), "{pointer}: {bad}");
}

fn sample(name: &str) -> Message {
    let found = super::samples::all().into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1
}

#[test]
fn what_slack_refuses_or_obeys_would_be_noticed() {
    let good = slack::webhook(&sample("opened"));
    let blocks = "/attachments/0/blocks";
    let many: Vec<Value> = (0..46).map(|_| good["blocks"][0].clone()).collect();
    let mrkdwn = |text: &str| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
    let story = "/attachments/0/blocks/1/text";
    let bad = [
        (blocks, json!(many)),
        ("/blocks/0/text/text", json!("x".repeat(151))),
        ("/text", json!("x".repeat(3_001))),
        ("/text", json!("<!channel>")),
        ("/text", json!("a\u{202e}b")),
        ("/attachments/0/blocks/0/fields", json!(vec![mrkdwn("x"); 11])),
        ("/attachments/0/blocks/0/fields/0/text", json!("x".repeat(2_001))),
        (story, mrkdwn(&"x".repeat(3_001))),
        (story, mrkdwn("")),
        (story, mrkdwn("*Tried:* a *bold* word")),
        (story, mrkdwn("an _italic_ word")),
        (story, mrkdwn("a `word`")),
        (story, mrkdwn("&gt; a quote")),
        (story, mrkdwn("<@U024BE7LH>")),
        (story, mrkdwn("<https://evil.example.test|x>")),
        (story, mrkdwn("a & b")),
        (story, json!({ "type": "mrkdwn", "text": "x" })),
        (story, json!({ "type": "plain_text", "text": "<!here>" })),
        (
            blocks,
            json!([{ "type": "section", "text": mrkdwn(&"x".repeat(3_000)) }, { "type": "section", "text": mrkdwn(&"x".repeat(3_000)) }, { "type": "section", "text": mrkdwn(&"x".repeat(3_000)) }, { "type": "section", "text": mrkdwn(&"x".repeat(3_000)) }]),
        ),
    ];
    for (pointer, value) in bad {
        noticed(of_slack, &good, pointer, value);
    }
}

#[test]
fn what_a_webhook_refuses_or_obeys_would_be_noticed() {
    let body = |template| webhook::body(template, &sample("opened"), "key");
    let generic = body(Template::Generic);
    noticed(of_generic, &generic, "/title", json!("x".repeat(256_000)));
    noticed(of_generic, &generic, "/kind", json!("closed"));
    noticed(of_generic, &generic, "/host", json!("a\u{0}b"));
    noticed(of_generic, &generic, "/body", json!({ "test": {} }));
    let pagerduty = body(Template::Pagerduty);
    noticed(of_pagerduty, &pagerduty, "/payload/summary", json!("x".repeat(1_025)));
    noticed(of_pagerduty, &pagerduty, "/payload/severity", json!("bad"));
    noticed(of_pagerduty, &pagerduty, "/payload/source", json!(""));
    noticed(of_pagerduty, &pagerduty, "/event_action", json!("open"));
    noticed(of_pagerduty, &pagerduty, "/dedup_key", json!("x".repeat(256)));
    let discord = body(Template::Discord);
    noticed(of_discord, &discord, "/allowed_mentions", json!({ "parse": ["everyone"] }));
    noticed(of_discord, &discord, "/embeds/0/title", json!("x".repeat(257)));
    noticed(of_discord, &discord, "/embeds/0/description", json!("x".repeat(4_097)));
    for text in [
        "**a** b **c**",
        "<@1>",
        "[x](https://evil.example.test)",
        "a `b`",
        "```\nx",
        "# a",
        "||x||",
    ] {
        noticed(of_discord, &discord, "/embeds/0/description", json!(text));
    }
    let teams = body(Template::Teams);
    let body = "/attachments/0/content/body";
    noticed(of_teams, &teams, body, json!([{ "type": "TextBlock", "text": "**a**" }]));
    noticed(of_teams, &teams, body, json!([]));
    noticed(of_teams, &teams, body, json!([{ "type": "TextRun", "text": "x".repeat(28_000) }]));
    noticed(
        of_teams,
        &teams,
        "/attachments/0/content/actions/0/url",
        json!("https://evil.example.test"),
    );
}

#[test]
fn a_view_that_is_too_large_or_has_other_fields_would_be_noticed() {
    let good = dashboard::projection(&super::samples::view());
    noticed(of_projection, &good, "/reasons", json!(["x".repeat(90_000)]));
    noticed(of_projection, &good, "/incidents/0", json!({ "id": "INC-1" }));
    noticed(of_projection, &good, "/systemStatus", json!("fine"));
    let mut more = good.clone();
    more["leftOut"] = json!(1);
    assert_ne!(of_projection(&more), Vec::<String>::new());
}

#[test]
fn a_mail_that_is_unfit_would_be_noticed() {
    let good = mail::mail(&sample("opened"));
    assert_eq!(of_mail(&good), Vec::<String>::new());
    let bad = [
        Mail { subject: "x".repeat(121), ..good.clone() },
        Mail { subject: "a\nBcc: b@example.test".to_owned(), ..good.clone() },
        Mail { subject: " ".to_owned(), ..good.clone() },
        Mail { text: "word ".repeat(20), ..good.clone() },
        Mail { text: "a\u{1b}[31m".to_owned(), ..good.clone() },
        Mail { text: "x\n".repeat(40_001), ..good.clone() },
        Mail { message_id_left: "a b".to_owned(), ..good.clone() },
        Mail { references_left: "a@b".to_owned(), ..good.clone() },
        Mail {
            html: good
                .html
                .replace("<p", "<script>x</script><p")
                .replace("<div", "<script></script><div"),
            ..good
        },
    ];
    for mail in bad {
        assert_ne!(of_mail(&mail), Vec::<String>::new(), "{mail:?}");
    }
}
