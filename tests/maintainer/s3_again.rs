//! A store that is busy, that falls over, and whose list has gaps: what is put is sent again, and what is listed is read on.

use std::time::{Duration, Instant};

use opswarden::adapters::s3::S3Error;
use serde_json::{Value, json};

use super::object_storage::{look, noise, with_bucket};
use super::peers_s3::S3Server;

const MIB: usize = 1024 * 1024;

/// A store that says this to so many requests for the second part.
fn second_part(times: u32, more: &Value) -> Value {
    let mut rule = json!({ "method": "PUT", "asked": { "partNumber": "2" }, "status": 503,
                           "code": "SlowDown", "times": times });
    let more = more.as_object().cloned().unwrap_or_default();
    rule.as_object_mut().expect("it is one").extend(more);
    rule
}

#[tokio::test]
async fn a_part_that_a_busy_store_refuses_or_that_is_lost_on_the_way_is_sent_again() {
    for (more, least) in [
        (json!({}), Duration::from_millis(400)),
        (json!({ "retry_after": "2" }), Duration::from_secs(2)),
        (json!({ "reset": true }), Duration::from_millis(400)),
        (json!({ "status": 500, "code": "InternalError" }), Duration::from_millis(400)),
    ] {
        let store = json!({ "refuse": [second_part(1, &more)] });
        let Some(server) = S3Server::start(store) else { return };
        let client = with_bucket(&server).await;
        let (bytes, began) = (noise(17 * MIB), Instant::now());
        let put =
            client.put_stream("x", &*bytes).await.unwrap_or_else(|why| panic!("{more}: {why}"));
        assert!(began.elapsed() >= least, "{more}: {:?}", began.elapsed());
        assert_eq!(put.size_bytes, bytes.len() as u64);
        let folder = tempfile::tempdir().unwrap();
        client.get_to("x", &folder.path().join("x")).await.unwrap();
        assert!(std::fs::read(folder.path().join("x")).unwrap() == bytes, "{more}");
        assert_eq!(look(&client).await.unfinished.unwrap().count, 0);
    }
}

#[tokio::test]
async fn what_is_put_whole_begun_or_joined_is_sent_again_too() {
    let busy = |method: &str, asked: Value| json!({ "method": method, "asked": asked, "status": 503, "code": "SlowDown", "times": 1 });
    let refuse = [busy("POST", json!({ "uploads": "" })), busy("POST", json!({ "uploadId": "" }))];
    let Some(server) = S3Server::start(json!({ "refuse": refuse })) else { return };
    let client = with_bucket(&server).await;
    let put = client.put_stream("parts", &*noise(9 * MIB)).await.unwrap();
    assert_eq!(client.head("parts").await.unwrap().map(|head| head.etag), Some(put.etag));
    let small = json!({ "method": "PUT", "asked": {}, "key": "/small", "status": 503,
                        "code": "SlowDown", "times": 1 });
    let Some(server) = S3Server::start(json!({ "refuse": [small] })) else { return };
    let client = with_bucket(&server).await;
    client.put_stream("small", &b"12345"[..]).await.unwrap();
    assert_eq!(client.head("small").await.unwrap().map(|head| head.size_bytes), Some(5));
}

#[tokio::test]
async fn a_store_that_stays_busy_is_given_up_and_its_parts_are_taken_back() {
    for more in [json!({}), json!({ "reset": true })] {
        let store = json!({ "refuse": [second_part(99, &more)] });
        let Some(server) = S3Server::start(store) else { return };
        let client = with_bucket(&server).await;
        let began = Instant::now();
        let error = client.put_stream("x", &*noise(17 * MIB)).await.unwrap_err();
        let took = began.elapsed();
        assert!(matches!(error, S3Error::Refused(_) | S3Error::Lost(_)), "{error}");
        assert!(took > Duration::from_secs(5) && took < Duration::from_secs(25), "{took:?}");
        assert_eq!(client.head("x").await.unwrap(), None);
        assert_eq!(look(&client).await.unfinished.unwrap().count, 0, "{error}");
    }
}

#[tokio::test]
async fn empty_pages_of_a_list_are_followed() {
    let Some(server) = S3Server::start(json!({ "empty_pages": 3 })) else { return };
    let client = with_bucket(&server).await;
    for key in ["a", "b"] {
        client.put_stream(key, &b"1"[..]).await.unwrap();
    }
    assert_eq!(client.list("").await.unwrap().len(), 2);
    assert_eq!(look(&client).await.usage.unwrap().objects, 2);
    let Some(server) = S3Server::start(json!({ "empty_pages": 1_000_000 })) else { return };
    let client = with_bucket(&server).await;
    let error = client.list("").await.unwrap_err();
    assert!(matches!(error, S3Error::Shape("the list does not go on")), "{error}");
}

#[tokio::test]
async fn a_question_that_a_busy_store_refuses_or_loses_is_asked_again() {
    let asked = |method: &str, asked: Value, key: &str| json!({ "method": method, "asked": asked, "key": key, "status": 503, "code": "SlowDown" });
    let list = asked("GET", json!({ "list-type": "2" }), "");
    let uploads = asked("GET", json!({ "uploads": "" }), "");
    let [head, get, delete] = ["HEAD", "GET", "DELETE"].map(|verb| asked(verb, json!({}), "/x"));
    let all = |more: Value| -> Value {
        let mut rules = [&list, &uploads, &head, &get, &delete].map(Value::clone);
        for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
            rule.extend(more.as_object().cloned().unwrap_or_default());
        }
        json!({ "refuse": rules })
    };
    for more in [json!({ "times": 2 }), json!({ "times": 1, "reset": true })] {
        let Some(server) = S3Server::start(all(more.clone())) else { return };
        let client = with_bucket(&server).await;
        client.put_stream("x", &b"12345"[..]).await.unwrap();
        assert_eq!(client.list("").await.unwrap().len(), 1, "{more}");
        assert_eq!(look(&client).await.unfinished.unwrap().count, 0, "{more}");
        assert_eq!(client.head("x").await.unwrap().map(|head| head.size_bytes), Some(5), "{more}");
        assert_eq!(client.sum("x").await.unwrap().0, 5, "{more}");
        client.delete("x").await.unwrap();
        assert_eq!(client.list("").await.unwrap(), [], "{more}");
    }
    let Some(server) = S3Server::start(all(json!({}))) else { return };
    let client = with_bucket(&server).await;
    let began = Instant::now();
    let error = client.list("").await.unwrap_err();
    assert!(matches!(error, S3Error::Refused(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "whoever asks is not kept for long");
}
