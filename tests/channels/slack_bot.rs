//! What a bot does in a channel, told by what stands there afterwards.

use opswarden::adapters::channel::SlackBot;
use opswarden::domain::notice::{Kind, Message};
use opswarden::ports::channel::{Channel as _, Delivery, Earlier};

use crate::receiver::{Deed, answer};
use crate::slack::{CHANNEL, Post, Slack, TOKEN, no};
use crate::world::{
    LONG, Outcome, SHORT, assert_outcome, courier, earlier, ended_by, message, named, outcome,
    slack_forms, words,
};

fn bot(slack: &Slack, token: &str, channel: &str) -> SlackBot {
    SlackBot::new(token, channel, slack_forms(), courier()).unwrap().at(&slack.api()).unwrap()
}

async fn tell(slack: &Slack, by: &str, earlier: Option<&Earlier>) -> Delivery {
    bot(slack, TOKEN, CHANNEL).deliver(&named("id", by), earlier, LONG).await
}

fn reference(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Sent { reference: Some(reference), .. } => reference,
        other => panic!("{other:?}"),
    }
}

fn post(ts: &str, text: &str, thread: Option<&str>, edits: u32) -> Post {
    Post {
        ts: ts.into(),
        text: text.into(),
        thread: thread.map(str::to_owned),
        edits,
        broadcast: false,
    }
}

const FIRST: &str = "1795600000.000001";
const SECOND: &str = "1795600000.000002";
const THIRD: &str = "1795600000.000003";

#[tokio::test]
async fn one_message_per_thing_is_edited_and_its_thread_is_the_history() {
    let slack = Slack::start().await;
    let opened = tell(&slack, "opened", None).await;
    assert_eq!(reference(&opened), format!("{CHANNEL}:{FIRST}"));
    let worse = tell(&slack, "worse", Some(&earlier(reference(&opened), true))).await;
    assert_eq!(reference(&worse), reference(&opened), "the message stays the one to edit");
    let fixed = tell(&slack, "fixed", Some(&earlier(reference(&worse), true))).await;
    assert_eq!(outcome(&fixed), Outcome::Sent);
    let expected = [
        post(FIRST, "state fixed", None, 2),
        post(SECOND, "history worse", Some(FIRST), 0),
        post(THIRD, "history fixed", Some(FIRST), 0),
    ];
    assert_eq!(slack.posts(), expected);
    let calls =
        ["chat.postMessage", "chat.update", "chat.postMessage", "chat.update", "chat.postMessage"];
    assert_eq!(slack.called(), calls);
}

#[tokio::test]
async fn a_message_about_several_things_is_continued_in_its_thread_and_never_edited() {
    let slack = Slack::start().await;
    let group = tell(&slack, "three", None).await;
    let next = tell(&slack, "one fixed", Some(&earlier(reference(&group), false))).await;
    assert_eq!(reference(&next), format!("{CHANNEL}:{FIRST}:{SECOND}"));
    // The line left alone, and still the thread is the group's.
    let last = tell(&slack, "one worse", Some(&earlier(reference(&next), true))).await;
    assert_eq!(outcome(&last), Outcome::Sent);
    let expected = [
        post(FIRST, "state three", None, 0),
        post(SECOND, "reply one fixed", Some(FIRST), 0),
        post(THIRD, "reply one worse", Some(FIRST), 0),
    ];
    assert_eq!(slack.posts(), expected);
}

async fn tell_kind(slack: &Slack, kind: Kind, earlier: &Earlier) -> Delivery {
    let message = Message { kind, ..named("id", kind.as_str()) };
    bot(slack, TOKEN, CHANNEL).deliver(&message, Some(earlier), LONG).await
}

#[tokio::test]
async fn who_must_look_again_sees_it_in_the_channel_and_everybody_else_in_the_thread() {
    let loud = [Kind::Worse, Kind::Reminder, Kind::Unacknowledged];
    for kind in loud.into_iter().chain([Kind::News, Kind::Recovered]) {
        let slack = Slack::start().await;
        let opened = tell(&slack, "opened", None).await;
        let before = earlier(reference(&opened), true);
        assert_eq!(outcome(&tell_kind(&slack, kind, &before).await), Outcome::Sent);
        let told = format!("history {}", kind.as_str());
        let line = Post { broadcast: loud.contains(&kind), ..post(SECOND, &told, Some(FIRST), 0) };
        assert_eq!(slack.posts()[1], line);
    }
}

#[tokio::test]
async fn what_became_worse_of_several_is_told_whole_below_a_message_that_stays() {
    let slack = Slack::start().await;
    let group = tell(&slack, "three", None).await;
    let before = earlier(reference(&group), false);
    assert_eq!(outcome(&tell_kind(&slack, Kind::Worse, &before).await), Outcome::Sent);
    assert_eq!(outcome(&tell_kind(&slack, Kind::News, &before).await), Outcome::Sent);
    let expected = [
        post(FIRST, "state three", None, 0),
        Post { broadcast: true, ..post(SECOND, "reply worse", Some(FIRST), 0) },
        post(THIRD, "reply news", Some(FIRST), 0),
    ];
    assert_eq!(slack.posts(), expected);
}

#[tokio::test]
async fn a_call_that_nobody_heard_is_made_again_though_the_message_is_edited() {
    for (deed, expected) in [
        (no("ratelimited"), Outcome::Later),
        (no("not_in_channel"), Outcome::Refused),
        (Deed::Reset, Outcome::Unknown),
        (no("thread_not_found"), Outcome::Sent),
    ] {
        let slack = Slack::start().await;
        let opened = tell(&slack, "opened", None).await;
        slack.plant("chat.postMessage", deed);
        let before = earlier(reference(&opened), true);
        let told = tell_kind(&slack, Kind::Worse, &before).await;
        assert_eq!(outcome(&told), expected, "{told:?}");
        assert_eq!(slack.posts()[0], post(FIRST, "state worse", None, 1));
        let anew = expected == Outcome::Sent;
        assert_eq!(slack.posts().len(), if anew { 2 } else { 1 }, "{:?}", slack.posts());
    }
}

#[tokio::test]
async fn a_message_that_is_gone_is_posted_anew() {
    for alone in [true, false] {
        let slack = Slack::start().await;
        let opened = tell(&slack, "opened", None).await;
        slack.forget();
        let again = tell(&slack, "again", Some(&earlier(reference(&opened), alone))).await;
        assert_outcome(&again, Outcome::Sent, "anew");
        assert_eq!(slack.posts(), [post(FIRST, "state again", None, 0)]);
    }
    for error in ["cant_update_message", "edit_window_closed"] {
        let slack = Slack::start().await;
        let opened = tell(&slack, "opened", None).await;
        slack.plant("chat.update", no(error));
        let again = tell(&slack, "again", Some(&earlier(reference(&opened), true))).await;
        assert_outcome(&again, Outcome::Sent, error);
        assert_eq!(reference(&again), format!("{CHANNEL}:{SECOND}"));
    }
}

#[tokio::test]
async fn a_reference_of_another_channel_or_another_way_is_not_used() {
    let slack = Slack::start().await;
    for other in ["C0999999999:1.2", "<INC-1@ops.example.test>", ""] {
        let told = tell(&slack, "news", Some(&earlier(other, true))).await;
        assert_outcome(&told, Outcome::Sent, "posted");
    }
    assert_eq!(slack.called(), ["chat.postMessage"; 3]);
    assert!(slack.posts().iter().all(|post| post.thread.is_none()));
}

#[tokio::test]
async fn a_channel_may_be_named_and_is_edited_by_its_id() {
    let slack = Slack::start().await;
    let bot = bot(&slack, TOKEN, "#ops");
    let opened = bot.deliver(&named("id", "opened"), None, LONG).await;
    let before = earlier(reference(&opened), true);
    let fixed = bot.deliver(&named("id", "fixed"), Some(&before), LONG).await;
    assert_eq!(outcome(&fixed), Outcome::Sent);
    assert_eq!(slack.posts()[0], post(FIRST, "state fixed", None, 1));
}

#[tokio::test]
async fn once_it_is_edited_a_thread_that_cannot_be_written_to_is_only_told() {
    for (deed, word) in [
        (no("ratelimited"), "ratelimited"),
        (no("not_in_channel"), "not_in_channel"),
        (no("thread_not_found"), "thread_not_found"),
        (answer("500 No", &[], ""), "answered 500"),
        (Deed::Reset, "broken off"),
    ] {
        let slack = Slack::start().await;
        let opened = tell(&slack, "opened", None).await;
        slack.plant("chat.postMessage", deed);
        let told = tell(&slack, "fixed", Some(&earlier(reference(&opened), true))).await;
        assert_outcome(&told, Outcome::Sent, word);
        assert_outcome(&told, Outcome::Sent, "edited");
        assert_eq!(reference(&told), reference(&opened));
        assert_eq!(slack.posts(), [post(FIRST, "state fixed", None, 1)]);
    }
}

#[tokio::test]
async fn an_edit_that_fails_writes_no_history() {
    let wait = answer("429 Too Many Requests", &["Retry-After: 12"], "");
    for (deed, expected) in [
        (wait, Outcome::LaterAfter(12)),
        (no("ratelimited"), Outcome::Later),
        (no("invalid_auth"), Outcome::Refused),
        (no("fatal_error"), Outcome::Unknown),
        (Deed::Reset, Outcome::Unknown),
    ] {
        let slack = Slack::start().await;
        let opened = tell(&slack, "opened", None).await;
        slack.plant("chat.update", deed);
        let told = tell(&slack, "fixed", Some(&earlier(reference(&opened), true))).await;
        assert_eq!(outcome(&told), expected, "{told:?}");
        assert_eq!(slack.posts(), [post(FIRST, "state opened", None, 0)]);
    }
}

#[tokio::test]
async fn every_word_of_slacks_has_its_meaning() {
    for (error, expected, word) in [
        ("ratelimited", Outcome::Later, "ratelimited"),
        ("rate_limited", Outcome::Later, "rate_limited"),
        ("service_unavailable", Outcome::Later, ""),
        ("request_timeout", Outcome::Later, ""),
        ("message_limit_exceeded", Outcome::Later, ""),
        ("internal_error", Outcome::Unknown, "internal_error"),
        ("fatal_error", Outcome::Unknown, "fatal_error"),
        ("is_archived", Outcome::Refused, "archive"),
        ("token_revoked", Outcome::Refused, "xoxb-"),
        ("account_inactive", Outcome::Refused, "xoxb-"),
        ("missing_scope", Outcome::Refused, "chat:write"),
        ("msg_blocks_too_long", Outcome::Refused, "form is at fault"),
        ("restricted_action", Outcome::Refused, "administrator"),
        ("brand_new_word", Outcome::Refused, "brand_new_word"),
        ("<script>canary</script>", Outcome::Refused, "no reason"),
    ] {
        let slack = Slack::start().await;
        slack.plant("chat.postMessage", no(error));
        let told = tell(&slack, "x", None).await;
        assert_outcome(&told, expected, word);
        assert!(!words(&told).contains("canary"), "{told:?}");
    }
}

#[tokio::test]
async fn a_strict_slack_refuses_strangers_and_channels_that_it_does_not_know() {
    let slack = Slack::start().await;
    for (token, channel, word) in [
        ("xoxb-wrong", CHANNEL, "invalid_auth"),
        (TOKEN, "#nowhere", "channel_not_found"),
        (TOKEN, "#elsewhere", "not_in_channel"),
    ] {
        let told = bot(&slack, token, channel).deliver(&message(), None, LONG).await;
        assert_outcome(&told, Outcome::Refused, word);
        assert!(!words(&told).contains("xoxb-wrong") && !words(&told).contains(TOKEN), "{told:?}");
    }
    assert!(slack.posts().is_empty());
}

#[tokio::test]
async fn what_is_not_slacks_answer_leaves_it_open() {
    for (deed, word) in [
        (answer("200 OK", &[], "<html>"), "not Slack's"),
        (answer("200 OK", &[], "{}"), "not Slack's"),
        (
            Deed::Half(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"ok\":true".to_vec()),
            "no whole answer",
        ),
    ] {
        let slack = Slack::start().await;
        slack.plant("chat.postMessage", deed);
        assert_outcome(&tell(&slack, "x", None).await, Outcome::Unknown, word);
    }
    let slack = Slack::start().await;
    slack.plant("chat.postMessage", answer("200 OK", &[], "{\"ok\":true}"));
    let told = tell(&slack, "x", None).await;
    assert!(matches!(told, Delivery::Sent { reference: None, .. }), "{told:?}");
}

#[tokio::test]
async fn all_calls_together_have_one_deadline() {
    let slack = Slack::start().await;
    let opened = tell(&slack, "opened", None).await;
    slack.plant("chat.postMessage", Deed::Silence);
    let before = earlier(reference(&opened), true);
    let bot = bot(&slack, TOKEN, CHANNEL);
    let told = ended_by(SHORT, bot.deliver(&message(), Some(&before), SHORT)).await;
    assert_outcome(&told, Outcome::Sent, "no answer came in time");
}
