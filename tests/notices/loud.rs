//! Whom a bot calls by a line in a thread.

use opswarden::domain::notice::Kind;
use opswarden::render::notice::slack;
use serde_json::json;

use super::samples::{one, shop_down};

#[test]
fn who_must_look_again_sees_the_line_in_the_channel() {
    for kind in [Kind::Worse, Kind::Reminder, Kind::Unacknowledged] {
        let message = one(kind, shop_down());
        for body in [slack::history(&message), slack::reply(&message)] {
            assert_eq!(body["reply_broadcast"], true, "{kind:?}");
        }
        let reply = slack::reply(&message).to_string();
        for words in ["runbooks/process_down.md", "opsctl ack INC-12", "opsctl explain INC-12"] {
            assert!(reply.contains(words), "{words} in {reply}");
        }
    }
    for kind in [Kind::Opened, Kind::News, Kind::Recovered] {
        let message = one(kind, shop_down());
        assert_eq!(slack::reply(&message), slack::history(&message), "{kind:?}");
        assert_eq!(slack::history(&message).get("reply_broadcast"), None, "{kind:?}");
    }
    let post = slack::post(&one(Kind::Worse, shop_down()));
    assert_eq!(post.get("reply_broadcast"), None, "what is no reply is seen anyhow");
    let mut reply = slack::reply(&one(Kind::Worse, shop_down()));
    reply.as_object_mut().expect("an object").remove("reply_broadcast");
    assert_eq!(json!(reply), post);
}
