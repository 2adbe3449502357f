//! A real mail server, ended when this is dropped.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::authority::Identity;
use super::peers::{skip, test_name, wait_until};

pub(crate) const USER: &str = "canary-user@example.test";
pub(crate) const PASSWORD: &str = "canary-password";
/// Node takes a while to load everything on a machine under load.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct MailServer {
    child: Child,
    printed: Arc<Mutex<Vec<Value>>>,
    pub(crate) port: u16,
}

impl MailServer {
    /// A server with these settings beside its identity, or `None` with a loud skip where its parts are missing.
    pub(crate) fn start(identity: &Identity, settings: Value) -> Option<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let peers = package.join("target/peers/mail");
        if !peers.join("node_modules/smtp-server").exists() {
            skip(&test_name(), "smtp-server");
            return None;
        }
        let mut all = json!({
            "peers": peers,
            "key": identity.key,
            "certificate": identity.certificate,
            "user": USER,
            "password": PASSWORD,
        });
        let more = settings.as_object().cloned().unwrap_or_default();
        all.as_object_mut().expect("the test can make it").extend(more);
        let child = Command::new("node")
            .arg(package.join("tests/peers/mail-server.mjs"))
            .arg(all.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut server =
            Self { child: child.expect("the test can make it"), printed: Arc::default(), port: 0 };
        let lines =
            BufReader::new(server.child.stdout.take().expect("the test can make it")).lines();
        let printed = Arc::clone(&server.printed);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                printed
                    .lock()
                    .expect("the test can make it")
                    .push(serde_json::from_str(&line).expect("the test can make it"));
            }
        });
        assert!(wait_until(PATIENCE, || !server.of("port").is_empty()), "the server starts");
        server.port = u16::try_from(server.of("port")[0].as_u64().expect("the test can make it"))
            .expect("the test can make it");
        Some(server)
    }

    /// What it printed under this name.
    pub(crate) fn of(&self, name: &str) -> Vec<Value> {
        let printed = self.printed.lock().expect("the test can make it");
        printed.iter().filter_map(|line| line.get(name).cloned()).collect()
    }

    pub(crate) fn mails(&self) -> Vec<Value> {
        self.of("mail")
    }

    /// The mails, once there are so many: it prints one just before it says that it took it.
    pub(crate) fn received(&self, count: usize) -> Vec<Value> {
        wait_until(PATIENCE, || self.mails().len() >= count);
        let mails = self.mails();
        assert_eq!(mails.len(), count);
        mails
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
