//! db-maintainer and buckets of a real S3 store: what it tells, and that what it saw is kept.

use std::path::Path;
use std::process::{Command, Stdio};

use opswarden::adapters::s3::Client;
use serde_json::{Value, json};

use super::object_storage::with_bucket;
use super::peers_s3::{KEY, REGION, S3Server, SECRET};

const MIB: usize = 1024 * 1024;
const MAINTAINER: &str = env!("CARGO_BIN_EXE_db-maintainer");
const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");

/// A folder with settings, a ledger and one bucket.
struct House {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    client: Client,
    server: S3Server,
    keys: Vec<(&'static str, String)>,
}

impl House {
    fn new(limits: &str) -> Option<Self> {
        Self::with(limits, json!({}))
    }

    fn with(limits: &str, server: Value) -> Option<Self> {
        let server = S3Server::start(server)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the test can make it");
        let client = runtime.block_on(with_bucket(&server));
        let folder = tempfile::tempdir().expect("the test can make it");
        let keys =
            vec![("S3_ACCESS_KEY_ID", KEY.to_owned()), ("S3_SECRET_ACCESS_KEY", SECRET.to_owned())];
        let house = Self { folder, runtime, client, server, keys };
        house.settings("shop-media", &house.server.endpoint(), limits);
        Some(house)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn settings(&self, bucket: &str, endpoint: &str, limits: &str) {
        let text = format!(
            "host = \"host-a\"\n[[agents.db-maintainer.buckets]]\nname = \"media\"\nbucket = \"{bucket}\"\n\
             endpoint = \"{endpoint}\"\nregion = \"{REGION}\"\n{limits}\n[agents.health-guardian]\nservices = []\n"
        );
        std::fs::write(self.path().join("agents.toml"), text).expect("the test can make it");
    }

    fn put(&self, key: &str, bytes: usize) {
        let bytes = vec![7; bytes];
        self.runtime.block_on(self.client.put_stream(key, &*bytes)).expect("the test can make it");
    }

    /// An upload that is begun and left.
    fn left(&self, key: &str) {
        let broken = self.runtime.block_on(self.client.put_stream(key, &*vec![7; 17 * MIB]));
        broken.expect_err("the store keeps its parts");
    }

    fn ran(&self, program: &str, words: &[&str]) -> (String, Option<i32>) {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("OPSWARDEN_CONFIG", self.path().join("agents.toml")).stdin(Stdio::null());
        command.envs(self.keys.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("the test can make it");
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        (String::from_utf8_lossy(&said).into_owned(), output.status.code())
    }

    fn asked(&self, words: &[&str]) -> Value {
        let (text, _) = self.ran(OPSCTL, &[words, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{words:?}: {why}: {text}"))
    }

    fn tend(&self) -> (String, Option<i32>) {
        self.ran(MAINTAINER, &["-o", "json"])
    }

    /// What is open, by check.
    fn open(&self) -> Vec<String> {
        let all = self.asked(&["incidents"]);
        let own = all
            .as_array()
            .expect("the test can make it")
            .iter()
            .filter(|one| one["resolved"].is_null());
        let key = |one: &Value| one["key"].as_str().unwrap_or_default().to_owned();
        own.map(key).filter(|key| key.contains("bucket:")).collect()
    }

    /// Every file and every answer that is left of it.
    fn everything(&self) -> String {
        fn below(path: &Path, all: &mut String) {
            for entry in std::fs::read_dir(path).expect("the test can make it").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    below(&path, all);
                } else {
                    all.push_str(&String::from_utf8_lossy(
                        &std::fs::read(&path).expect("the test can make it"),
                    ));
                }
            }
        }
        let mut all = String::new();
        below(self.path(), &mut all);
        for words in [
            &["db", "usage"][..],
            &["db", "advice"],
            &["incidents"],
            &["doctor"],
            &["config", "show"],
        ] {
            all.push_str(&self.ran(OPSCTL, words).0);
        }
        all
    }
}

#[test]
fn what_a_bucket_holds_and_how_it_grew_is_told_though_nothing_is_wrong() {
    let Some(house) = House::new("") else { return };
    house.put("a", 100);
    let (first, code) = house.tend();
    assert_eq!(code, Some(0), "{first}");
    let told = house.asked(&["db", "usage"]);
    assert_eq!(told[0]["bucket"], "bucket:host-a/media");
    assert_eq!((&told[0]["objects"], &told[0]["size_bytes"]), (&json!(1), &json!(100)));
    assert_eq!(told[0]["growth"], Value::Null);
    house.put("b", 2000);
    house.put("c", 5);
    assert_eq!(house.tend().1, Some(0));
    let told = house.asked(&["db", "usage"]);
    assert_eq!((&told[0]["objects"], &told[0]["size_bytes"]), (&json!(3), &json!(2105)));
    let growth = &told[0]["growth"];
    assert_eq!((&growth["objects"], &growth["size_bytes"]), (&json!(2), &json!(2005)));
    let (text, _) = house.ran(OPSCTL, &["db", "usage"]);
    assert!(text.contains("3 objects, 2.0 KiB") && text.contains("+2 objects, +1.9 KiB"), "{text}");
    assert!(house.open().is_empty());
    assert_eq!(told[0]["unseen"], Value::Null);
    // Numbers of yesterday are not those of now.
    house.settings("shop-media", "http://127.0.0.1:1", "");
    house.tend();
    let told = house.asked(&["db", "usage"]);
    assert!(told[0]["unseen"].is_string() && told[0]["objects"] == 3, "{told:#}");
    let (text, _) = house.ran(OPSCTL, &["db", "usage"]);
    assert!(text.contains("it cannot be seen"), "{text}");
}

#[test]
fn limits_that_are_passed_are_incidents_and_end_by_themselves() {
    let limits = "growth_percent = 50\nbytes_warning = 2500000";
    let Some(house) = House::new(limits) else { return };
    house.put("a", MIB);
    assert_eq!(house.tend().1, Some(0), "one that was never seen before has not grown");
    house.put("b", 2 * MIB);
    let (report, code) = house.tend();
    assert_eq!(code, Some(1), "{report}");
    let open = house.open().join(" ");
    assert!(open.contains("bucket_growing") && open.contains("bucket_full"), "{open}");
    assert_eq!(house.tend().1, Some(0), "it is as full as before, and a person was told");
    let open = house.open().join(" ");
    assert!(!open.contains("bucket_growing") && open.contains("bucket_full"), "{open}");
    house.runtime.block_on(house.client.delete("b")).unwrap();
    assert_eq!(house.tend().1, Some(0));
    assert!(house.open().is_empty(), "{:?}", house.open());
}

#[test]
fn an_upload_that_was_left_is_told_with_what_would_end_it() {
    let part = json!({ "method": "PUT", "asked": { "partNumber": "2" }, "status": 503, "code": "SlowDown" });
    let keep = json!({ "method": "DELETE", "asked": { "uploadId": "" }, "status": 403, "code": "AccessDenied" });
    let server = json!({ "refuse": [part, keep] });
    let Some(house) = House::with("", server) else { return };
    house.left("film's cut.mp4");
    house.tend();
    let advice = house.asked(&["db", "advice"]);
    let message = advice[0]["message"].as_str().unwrap();
    assert!(message.contains("1 upload to the bucket media never ended"), "{advice:#}");
    let command = advice[0]["command"].as_str().unwrap();
    assert!(command.contains(r"--key='film'\''s cut.mp4' --upload-id='"), "{advice:#}");
    let incidents = house.asked(&["incidents"]).to_string();
    assert!(incidents.contains("\"size_bytes\":\"8388608\""), "{incidents}");
    let (text, _) = house.ran(OPSCTL, &["db", "advice"]);
    assert!(text.contains("abort-multipart-upload"), "{text}");
    assert!(house.asked(&["db", "usage"])[0]["objects"] == 0, "parts are no objects");
}

#[test]
fn why_a_bucket_cannot_be_seen_is_told_and_no_key_is() {
    let Some(mut house) = House::new("") else { return };
    let endpoint = house.server.endpoint();
    let cases = [
        ("shop-media", endpoint.as_str(), "canary-wrong", "SignatureDoesNotMatch"),
        ("no-such-one", &endpoint, SECRET, "NoSuchBucket"),
        ("shop-media", "http://127.0.0.1:1", SECRET, "the connection was refused"),
        ("shop-media", &endpoint, "", "S3_SECRET_ACCESS_KEY or S3_SECRET_ACCESS_KEY_FILE"),
    ];
    for (bucket, endpoint, secret, expected) in cases {
        house.settings(bucket, endpoint, "");
        house.keys.retain(|(name, _)| *name == "S3_ACCESS_KEY_ID");
        if !secret.is_empty() {
            house.keys.push(("S3_SECRET_ACCESS_KEY", secret.to_owned()));
        }
        let (report, code) = house.tend();
        assert!(report.contains("bucket_unreachable") && report.contains(expected), "{report}");
        assert_eq!(code.map(|code| code > 0), Some(true), "{report}");
        assert_eq!(house.asked(&["db", "usage"]), json!([]), "not seen is no number");
        let all = format!("{report}{}", house.everything()).to_lowercase();
        assert!(!all.contains("canary"), "{expected}");
        assert!(!all.contains("x-amz-signature"), "a signed address is as good as a key");
    }
    // Its own keys come before those that buckets share, and are asked for together.
    house.keys.push(("S3_ACCESS_KEY_ID_MEDIA", KEY.to_owned()));
    house.settings("shop-media", &endpoint, "");
    assert!(house.tend().0.contains("S3_SECRET_ACCESS_KEY_MEDIA"));
    house.keys.push(("S3_SECRET_ACCESS_KEY_MEDIA", SECRET.to_owned()));
    assert_eq!(house.tend().1, Some(0));
    assert!(house.open().is_empty());
}

#[test]
fn a_malformed_name_of_a_bucket_is_a_mistake_of_the_settings() {
    let Some(house) = House::new("") else { return };
    house.settings("Shop_Media", "s3.example.test", "");
    let (text, code) = house.ran(OPSCTL, &["config", "check"]);
    assert_ne!(code, Some(0), "{text}");
    assert!(text.contains("buckets[0].bucket") && text.contains("small letters"), "{text}");
    assert!(text.contains("buckets[0].endpoint") && text.contains("https://"), "{text}");
}
