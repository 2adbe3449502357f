//! The S3 client against a store that checks every signature with S3's own library.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use opswarden::adapters::s3::{BucketStore, Client, S3Error, S3Options};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::upkeep::BucketLook;
use opswarden::ports::data_store::Bucket as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::peers_s3::{KEY, REGION, S3Server, SECRET};

const MIB: usize = 1024 * 1024;
const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn options(server: &S3Server) -> S3Options {
    S3Options {
        endpoint: server.endpoint(),
        region: REGION.to_owned(),
        bucket: "shop-media".to_owned(),
        access_key_id: KEY.to_owned(),
        secret_access_key: SECRET.to_owned(),
    }
}

pub(crate) fn client(options: &S3Options) -> Client {
    Client::new(options, Arc::new(SystemClock::new())).expect("the options are good")
}

/// Makes the bucket, which is the one thing that the product never does.
pub(crate) async fn with_bucket(server: &S3Server) -> Client {
    // First: it brings the provider of TLS without which no client is built.
    let client = client(&options(server));
    let (bucket, keys) = by_hand(server);
    let body = format!(
        "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
    );
    let url = rusty_s3::S3Action::sign(&bucket.create_bucket(&keys), MINUTE);
    answered(reqwest::Client::new().put(url).body(body)).await;
    client
}

/// Begins an upload and leaves it, as a client does that is killed.
pub(crate) async fn begin_upload(server: &S3Server, key: &str) {
    let (bucket, keys) = by_hand(server);
    let begin = bucket.create_multipart_upload(Some(&keys), key);
    let url = rusty_s3::S3Action::sign(&begin, MINUTE);
    answered(reqwest::Client::new().post(url).header("Content-Length", "0")).await;
}

/// What the tests ask without the product's client.
fn by_hand(server: &S3Server) -> (rusty_s3::Bucket, rusty_s3::Credentials) {
    let url = server.endpoint().parse().expect("an address");
    let name = options(server).bucket;
    let bucket = rusty_s3::Bucket::new(url, rusty_s3::UrlStyle::Path, name, REGION);
    (bucket.expect("a bucket"), rusty_s3::Credentials::new(KEY, SECRET))
}

async fn answered(request: reqwest::RequestBuilder) {
    let answer = request.send().await.expect("the store answers");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
}

/// Bytes that do not repeat themselves.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let blocks = (0..length.div_ceil(32)).flat_map(|n| Sha256::digest(n.to_le_bytes()));
    blocks.take(length).collect()
}

fn digest(path: &Path) -> Vec<u8> {
    Sha256::digest(std::fs::read(path).expect("it can be read")).to_vec()
}

/// A stream that breaks after so many bytes.
struct Breaks(usize);

impl AsyncRead for Breaks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Err(io::Error::other("the dump was killed")));
        }
        let length = self.0.min(buf.remaining());
        buf.put_slice(&vec![7; length]);
        self.0 -= length;
        Poll::Ready(Ok(()))
    }
}

pub(crate) async fn look(client: &Client) -> BucketLook {
    let store = BucketStore::new("media", client.clone(), MINUTE);
    let now = opswarden::ports::clock::Clock::now(&SystemClock::new());
    store.look(now).await.expect("the bucket is seen")
}

#[tokio::test]
async fn what_is_put_in_parts_comes_back_as_it_was_and_goes_again() {
    let Some(server) = S3Server::start(json!({})) else { return };
    let client = with_bucket(&server).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, size) in [("empty", 0), ("small", 5), ("a part", 8 * MIB), ("parts", 20 * MIB + 17)]
    {
        let (from, to) = (folder.path().join("from"), folder.path().join(name));
        std::fs::write(&from, noise(size)).unwrap();
        let key = format!("backups/{name} of+today/\u{fc}.dump");
        let put = client.put_file(&key, &from).await.unwrap();
        assert_eq!(put.size_bytes, size as u64);
        let head = client.head(&key).await.unwrap().expect("it is there");
        assert_eq!((head.size_bytes, &head.etag), (size as u64, &put.etag));
        assert_eq!(client.get_to(&key, &to).await.unwrap(), size as u64);
        assert_eq!(digest(&from), digest(&to), "{name}");
        let again = client.get_to(&key, &to).await;
        assert!(matches!(again, Err(S3Error::File { .. })), "a file that is there stays");
    }
    let listed = client.list("backups/").await.unwrap();
    let sizes: Vec<u64> = listed.iter().map(|one| one.size_bytes).collect();
    assert_eq!(sizes, [8 * MIB as u64, 0, 20 * MIB as u64 + 17, 5], "by name");
    assert!(listed.iter().all(|one| one.modified_at.is_some()));
    for one in &listed {
        client.delete(&one.key).await.unwrap();
        client.delete(&one.key).await.expect("one that is gone is no error");
        assert_eq!(client.head(&one.key).await.unwrap(), None);
    }
    assert_eq!(client.list("").await.unwrap(), []);
    let gone = client.get_to("backups/none", &folder.path().join("x")).await.unwrap_err();
    assert!(gone.is_gone() && !folder.path().join("x").exists(), "{gone}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5, "nothing unfinished is left");
}

#[tokio::test]
async fn an_upload_that_breaks_leaves_no_object_and_no_parts() {
    let Some(server) = S3Server::start(json!({})) else { return };
    let client = with_bucket(&server).await;
    client.put_stream("nightly", &b"of yesterday"[..]).await.unwrap();
    for bytes in [5, 20 * MIB] {
        let error = client.put_stream("nightly", Breaks(bytes)).await.unwrap_err();
        assert!(matches!(error, S3Error::Source(_)), "{error}");
    }
    assert_eq!(client.head("nightly").await.unwrap().map(|head| head.size_bytes), Some(12));
    assert_eq!(look(&client).await.unfinished.unwrap().count, 0);
}

#[tokio::test]
async fn a_store_that_refuses_in_the_middle_gets_its_parts_taken_back_and_else_they_are_named() {
    let second_part = json!({ "method": "PUT", "asked": { "partNumber": "2" }, "status": 503, "code": "SlowDown" });
    let join = json!({ "method": "POST", "asked": { "uploadId": "" }, "status": 200, "code": "InternalError" });
    for refuse in [second_part.clone(), join] {
        let Some(server) = S3Server::start(json!({ "refuse": [refuse] })) else { return };
        let client = with_bucket(&server).await;
        let error = client.put_stream("x", &*noise(17 * MIB)).await.unwrap_err();
        assert!(matches!(error, S3Error::Refused(_)), "{error}");
        assert_eq!(client.head("x").await.unwrap(), None);
        assert_eq!(look(&client).await.unfinished.unwrap().count, 0, "{error}");
    }
    let keep = json!({ "method": "DELETE", "asked": { "uploadId": "" }, "status": 403, "code": "AccessDenied" });
    let Some(server) = S3Server::start(json!({ "refuse": [second_part, keep] })) else { return };
    let client = with_bucket(&server).await;
    let error = client.put_stream("x", &*noise(17 * MIB)).await.unwrap_err();
    let S3Error::Left { upload, .. } = &error else { panic!("{error}") };
    let left = look(&client).await.unfinished.unwrap();
    assert_eq!((left.count, left.size_bytes), (1, Some(8 * MIB as u64)));
    assert_eq!(left.oldest.map(|one| one.id), Some(upload.clone()));
}

#[tokio::test]
async fn every_page_of_a_list_is_counted_and_every_name_comes_back_as_it_is() {
    let Some(server) = S3Server::start(json!({})) else { return };
    let client = with_bucket(&server).await;
    let odd = [
        "a b",
        "a+b",
        "a%20b",
        "a/b//c/",
        "/d",
        "\u{fc}/\u{1f4be}",
        "q?x=1&y#z",
        "it's (1)",
        "<&>\"",
    ];
    for key in odd {
        client.put_stream(key, key.as_bytes()).await.unwrap();
    }
    for n in 0..1003 {
        client.put_stream(&format!("many/{n:04}"), &b"12345678"[..]).await.unwrap();
    }
    let usage = look(&client).await.usage.unwrap();
    let odd_bytes: usize = odd.iter().map(|key| key.len()).sum();
    assert_eq!(
        (usage.objects, usage.size_bytes),
        (1003 + odd.len() as u64, 1003 * 8 + odd_bytes as u64)
    );
    let many = client.list("many/").await.unwrap();
    assert_eq!((many.len(), many[1002].key.as_str()), (1003, "many/1002"));
    let all = client.list("").await.unwrap();
    for key in odd {
        let found: Vec<_> = all.iter().filter(|one| one.key == key).collect();
        assert_eq!(found.len(), 1, "{key}");
        assert_eq!(client.head(key).await.unwrap().expect(key).size_bytes, key.len() as u64);
        client.delete(key).await.unwrap();
    }
    assert_eq!(client.list("").await.unwrap().len(), 1003);
    for key in ["", "many/../many/0001", "."] {
        assert!(matches!(client.delete(key).await, Err(S3Error::Key(_))), "{key}");
    }
    assert_eq!(client.list("").await.unwrap().len(), 1003, "nothing else was meant");
}

#[tokio::test]
async fn a_store_that_is_careless_with_a_plus_still_gives_exact_names() {
    let Some(server) = S3Server::start(json!({ "careless": true })) else { return };
    let client = with_bucket(&server).await;
    for key in ["a+b", "a b"] {
        client.put_stream(key, &b"1"[..]).await.unwrap();
    }
    let listed = client.list("").await.unwrap();
    assert_eq!(listed.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["a b", "a+b"]);
    assert_eq!(look(&client).await.usage.unwrap().objects, 2);
}

#[tokio::test]
async fn a_store_that_forgets_uploads_is_known_by_what_it_calls_itself() {
    for (calls_itself, forgetful) in
        [("MinIO", true), ("Minio/RELEASE.2019", true), ("nginx", false)]
    {
        let Some(server) = S3Server::start(json!({ "calls_itself": calls_itself })) else { return };
        let client = with_bucket(&server).await;
        begin_upload(&server, "left").await;
        let unfinished = look(&client).await.unfinished.unwrap();
        assert_eq!((unfinished.count, unfinished.forgetful), (0, forgetful), "{calls_itself}");
    }
}

#[tokio::test]
async fn a_list_that_is_cut_is_no_usage_however_much_of_it_was_seen() {
    let next = json!({ "method": "GET", "asked": { "continuation-token": "" }, "status": 503, "code": "SlowDown" });
    let uploads = json!({ "method": "GET", "asked": { "uploads": "" }, "status": 501, "code": "NotImplemented" });
    let Some(server) = S3Server::start(json!({ "refuse": [next, uploads] })) else { return };
    let client = with_bucket(&server).await;
    for n in 0..1001 {
        client.put_stream(&format!("{n}"), &b""[..]).await.unwrap();
    }
    let look = look(&client).await;
    let why = look.usage.unwrap_err().why;
    assert!(why.contains("1000 objects or more") && why.contains("fewer requests"), "{why}");
    let why = look.unfinished.unwrap_err().why;
    assert!(why.contains("does not know this request (NotImplemented)"), "{why}");
    assert!(matches!(client.list("").await, Err(S3Error::Refused(_))));
}

#[tokio::test]
async fn what_is_wrong_is_told_apart_and_no_key_is_told() {
    let Some(server) = S3Server::start(json!({})) else { return };
    let good = options(&server);
    drop(with_bucket(&server).await);
    let wrong = |change: fn(&mut S3Options)| {
        let mut options = good.clone();
        change(&mut options);
        options
    };
    let cases = [
        (wrong(|o| o.secret_access_key = "canary-wrong".to_owned()), "the secret is not that of"),
        (wrong(|o| o.access_key_id = "AKIACANARYWRONG".to_owned()), "does not know the access key"),
        (wrong(|o| o.bucket = "no-such-one".to_owned()), "no such bucket (NoSuchBucket)"),
        (wrong(|o| o.region = "us-west-2".to_owned()), "another region"),
        (wrong(|o| o.endpoint = "http://127.0.0.1:1".to_owned()), "the connection was refused"),
        (wrong(|o| o.endpoint = "http://nowhere.invalid".to_owned()), "name cannot be resolved"),
    ];
    let now = opswarden::ports::clock::Clock::now(&SystemClock::new());
    for (options, expected) in cases {
        let client = client(&options);
        let store = BucketStore::new("media", client.clone(), MINUTE);
        let why = store.look(now).await.unwrap_err().why;
        assert!(
            why.starts_with("the bucket media at http://") && why.contains(" cannot be seen: "),
            "{why}"
        );
        assert!(why.contains(expected), "{why}");
        let told = format!(
            "{why} {:?} {:?} {:?} {client:?}",
            client.put_stream("x", &b"1"[..]).await.unwrap_err(),
            client.head("x").await.unwrap_err(),
            client.list("").await.unwrap_err(),
        );
        assert!(!told.to_lowercase().contains("canary") && !told.contains("X-Amz"), "{told}");
    }
}

#[tokio::test]
async fn clocks_that_differ_are_told_before_a_key_is_blamed() {
    for (ahead, expected) in [(40, "its clock is 40 min before ours"), (-40, "40 min behind ours")]
    {
        let Some(server) = S3Server::start(json!({ "ahead_minutes": ahead })) else { return };
        let error = client(&options(&server)).list("").await.unwrap_err().to_string();
        // A second may pass between both readings.
        let near = expected.replace("40", "39");
        assert!(error.contains(expected) || error.contains(&near), "{error}");
    }
}

#[tokio::test]
async fn a_stream_of_unknown_length_is_one_object() {
    let Some(server) = S3Server::start(json!({})) else { return };
    let client = with_bucket(&server).await;
    let bytes = noise(9 * MIB);
    // In pieces that fit no part.
    let pieces = bytes[..MIB].chain(&bytes[MIB..=MIB]).chain(&bytes[MIB + 1..]);
    let put = client.put_stream("dump", pieces).await.unwrap();
    assert_eq!(put.size_bytes, 9 * MIB as u64);
    let folder = tempfile::tempdir().unwrap();
    client.get_to("dump", &folder.path().join("dump")).await.unwrap();
    assert!(std::fs::read(folder.path().join("dump")).unwrap() == bytes);
}
