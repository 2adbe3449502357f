//! Apps of a real PM2 that break on demand, and what PM2 says of them.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::lives::{Life, Lives};
use super::peers::wait_until;
use super::peers_pm2::PrivatePm2;
use super::world::{World, policy, services};

/// Dies at once while a file says so, is greedy while another one does, and else idles. Answers a stop with an error.
const APP: &str = r"
const fs = require('fs');
process.on('SIGINT', () => process.exit(1));
const own = process.env.NODE_APP_INSTANCE || '0';
const told = (what) => fs.existsSync(__filename + '.' + what) || fs.existsSync(__filename + '.' + what + own);
const kept = [];
console.log('ready');
if (process.env.SAYS) { console.log(process.env.SAYS); console.error(process.env.SAYS); }
if (told('bad')) {
  console.error('no luck');
  setTimeout(() => process.exit(3), 30);
} else {
  setInterval(() => {
    while (told('greedy') && process.memoryUsage().rss < 184 * 1048576 && kept.length < 400) {
      kept.push(Buffer.alloc(1048576, 1));
    }
  }, 50);
}
";
const PATIENCE: Duration = Duration::from_secs(20);
/// How often PM2 is brought to give up on an app.
const TRIES: u32 = 4;

/// A PM2 with apps of ours.
pub(crate) struct Apps {
    pub(crate) pm2: PrivatePm2,
}

impl Apps {
    /// A PM2 that runs these apps, or `None` with a loud skip.
    pub(crate) fn start(names: &[&str]) -> Option<Self> {
        let apps = Self { pm2: PrivatePm2::start()? };
        for name in names {
            apps.add(name, &json!({}));
        }
        Some(apps)
    }

    /// Starts one app; PM2 gives up on it after two unsuccessful restarts.
    pub(crate) fn add(&self, name: &str, more: &Value) {
        let mut options = json!({ "max_restarts": 2 });
        for (option, value) in more.as_object().into_iter().flatten() {
            options[option] = value.clone();
        }
        self.pm2.start_app(name, APP, &options);
    }

    /// A world whose agent watches `watched` here.
    pub(crate) fn world(&self, settle: &str, more: &str, watched: &[&str]) -> World {
        self.world_by("socket", settle, more, watched)
    }

    /// The same with a way of reading PM2.
    pub(crate) fn world_by(&self, read: &str, settle: &str, more: &str, watched: &[&str]) -> World {
        let managers = format!(
            "[managers.pm2]\nhome = \"{}\"\nread = \"{read}\"\ncli = {:?}\n",
            self.pm2.home().display(),
            self.pm2.cli()
        );
        World::new(&[managers, policy(settle, more), services("pm2", watched)].concat())
    }

    /// What PM2's own command line says of every process.
    pub(crate) fn lives(&self) -> Lives {
        self.rows().iter().map(|row| (label(row), life(row))).collect()
    }

    fn rows(&self) -> Vec<Value> {
        let output = self.pm2.pm2(&["jlist"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.starts_with('[')).expect("a list");
        serde_json::from_str(line).expect("PM2 writes JSON")
    }

    /// Says something to an app, such as "bad", or to one instance of it, such as "bad1".
    pub(crate) fn tell(&self, name: &str, what: &str) {
        std::fs::write(self.told(name, what), "").expect("it is written");
    }

    /// Takes it back.
    pub(crate) fn untell(&self, name: &str, what: &str) {
        std::fs::remove_file(self.told(name, what)).expect("it was told");
    }

    fn told(&self, name: &str, what: &str) -> PathBuf {
        self.pm2.apps().join(format!("{name}.js.{what}"))
    }

    /// Kills a process as the kernel would.
    pub(crate) fn kill(&self, label: &str) {
        let identity = self.lives()[label].identity.clone();
        let pid = identity.split('@').next().and_then(|pid| pid.parse().ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw).expect("it lives");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is killed");
    }

    /// Lets a process that was told to be bad try again until PM2 gives up on it, which PM2 does only within the
    /// first seconds after somebody started it.
    pub(crate) fn give_up(&self, labels: &[&str]) {
        let rows = self.rows();
        let number = |label: &&str| {
            let row = rows.iter().find(|row| self::label(row) == **label).expect("PM2 knows it");
            row["pm_id"].to_string()
        };
        let numbers: Vec<String> = labels.iter().map(number).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let given_up = || {
            let lives = self.lives();
            labels
                .iter()
                .all(|label| lives.get(*label).is_some_and(|life| life.status == "errored"))
        };
        // A machine that is busy may not get an app to die often enough within that time.
        for _ in 0..TRIES {
            self.order("restart", &numbers);
            if wait_until(PATIENCE / TRIES, given_up) {
                return;
            }
        }
        panic!("PM2 does not give up on {labels:?}: {:?}", self.lives());
    }

    /// Makes PM2 give up on apps that would be well if they were started once more.
    pub(crate) fn break_once(&self, names: &[&str]) {
        for name in names {
            self.tell(name, "bad");
        }
        self.give_up(names);
        for name in names {
            self.untell(name, "bad");
        }
    }

    /// Does what a person would do by the command line.
    pub(crate) fn order(&self, verb: &str, names: &[&str]) {
        if !names.is_empty() {
            self.pm2.pm2(&[&[verb], names].concat());
        }
    }

    /// Waits until PM2 says something of a process.
    pub(crate) fn await_life(&self, label: &str, holds: impl Fn(&Life) -> bool) {
        let mut last = None;
        let came = wait_until(PATIENCE, || {
            last = self.lives().remove(label);
            last.as_ref().is_some_and(&holds)
        });
        assert!(came, "{label} never came that far: {last:?}");
    }

    /// Waits until a process has run for so long.
    pub(crate) fn await_age(&self, label: &str, age: Duration) {
        let began = self.lives()[label].identity.clone();
        std::thread::sleep(age);
        assert_eq!(self.lives()[label].identity, began, "{label} did not live so long");
    }

    /// Waits until a process lives for a second.
    pub(crate) fn await_well(&self, label: &str) {
        let lived = wait_until(PATIENCE, || {
            let began = self.lives()[label].identity.clone();
            std::thread::sleep(Duration::from_secs(1));
            self.lives()[label].identity == began
        });
        assert!(lived, "{label} keeps dying");
    }

    /// Waits until PM2 sees a process use so many bytes.
    pub(crate) fn await_memory(&self, label: &str, bytes: u64) {
        let came = wait_until(PATIENCE, || {
            let rows = self.rows();
            let row = rows.iter().find(|row| self::label(row) == label);
            row.and_then(|row| row["monit"]["memory"].as_u64()).is_some_and(|used| used > bytes)
        });
        assert!(came, "{label} never became greedy");
    }
}

/// An app's name; of a cluster with the number of the instance.
fn label(row: &Value) -> String {
    let name = row["name"].as_str().expect("a name");
    let cluster = row["pm2_env"]["exec_mode"] == "cluster_mode";
    let instance = row["pm2_env"]["NODE_APP_INSTANCE"].as_u64().filter(|_| cluster);
    instance.map_or_else(|| name.to_owned(), |instance| format!("{name}#{instance}"))
}

fn life(row: &Value) -> Life {
    let env = &row["pm2_env"];
    Life {
        status: env["status"].as_str().expect("a status").to_owned(),
        identity: format!("{}@{}", row["pid"], env["pm_uptime"]),
        restarts: env["restart_time"].as_u64().expect("a count"),
    }
}
