//! A real S3 store of its own on loopback, which checks every signature. A test file that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::peers::{skip, test_name};

/// Who may ask.
pub(crate) const KEY: &str = "AKIACANARY0KEY";
/// What it is proved by: signs that an address would need to write otherwise.
pub(crate) const SECRET: &str = "canary/secret+key=";
/// Where the store says that it is.
pub(crate) const REGION: &str = "eu-central-1";

/// One store, ended when this is dropped.
pub(crate) struct S3Server {
    child: Child,
    port: u16,
}

impl S3Server {
    /// A store with these settings beside its keys, or `None` with a loud skip where it is not installed.
    pub(crate) fn start(settings: Value) -> Option<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = package.join("target/peers/s3/bin/python");
        if !package.join("target/peers/s3/installed").exists() {
            skip(&test_name(), "moto");
            return None;
        }
        let mut all = json!({ "key": KEY, "secret": SECRET, "region": REGION });
        let more = settings.as_object().cloned().unwrap_or_default();
        all.as_object_mut().expect("it is one").extend(more);
        let mut child = Command::new(python)
            .arg(package.join("tests/peers/s3-server.py"))
            .arg(all.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        let printed = child.stdout.take().expect("it prints");
        BufReader::new(printed).read_line(&mut line).expect("it prints its port");
        let told: Value = serde_json::from_str(&line).expect("it prints its port");
        let port = told["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        Some(Self { child, port: port.expect("it is a port") })
    }

    /// How our programs reach it.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
