//! A rebuild that dies in any of its phases, and in any way: what it leaves behind is gone after the next run.
//!
//! The server tells in `pg_stat_progress_create_index` in which phase a rebuild is. Its process is let go for a part of a
//! millisecond at a time, and asked in between, so that a phase of a millisecond is met as surely as one that waits.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::house::House;
use super::peers::wait_until;
use super::talk::Talk;
use super::yields::REBUILD;

const SOON: Duration = Duration::from_secs(30);
/// So long the rebuild goes on between two looks. It takes a few hundred milliseconds in all.
const STEP: Duration = Duration::from_micros(300);
/// The same where the next phase is the wanted one: the shortest, which sorts what is in order, takes a millisecond.
const SMALL_STEP: Duration = Duration::from_micros(50);
/// A busy machine may let it run past such a phase.
const TRIES: u32 = 5;
/// An answer that takes longer waits for the rebuild itself.
const AT_ONCE: Duration = Duration::from_millis(40);
/// After so many looks each small step is as much longer as the first ones were.
const BUSY: u32 = 5000;
/// More looks than any rebuild of this size takes.
const STEPS: u32 = 50_000;
const BUILD: &str = "waiting for writers before build";
const SCAN: &str = "building index: scanning table";
const DEAD: &str = "waiting for readers before marking dead";
const WRITES: &str = "BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE;";
/// It holds its lock, and no snapshot once that statement is over.
const READS: &str = "BEGIN; SELECT FROM orders LIMIT 1;";
const SEES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM orders LIMIT 1;";
const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";

/// Who makes the rebuild stay in a phase.
#[derive(Clone, Copy)]
enum Held {
    /// Nobody: it lasts for as long as it has to do.
    Nobody,
    /// Whoever locks a table of the catalogue that the new index has to be written to.
    Catalogue,
    /// A writer that was there before it.
    Writer,
    /// A writer that comes while it builds.
    LaterWriter,
    /// A transaction that still sees what was before.
    Snapshot,
    /// A reader that was there before it.
    Reader,
    /// A reader that comes while the rebuild waits for another one.
    LaterReader,
}

/// Every phase in its order, but for the one in which a build "initializes": that one has no length.
const PHASES: [(&str, Held); 12] = [
    ("initializing", Held::Catalogue),
    (BUILD, Held::Writer),
    (SCAN, Held::Nobody),
    ("building index: sorting live tuples", Held::Nobody),
    ("building index: loading tuples in tree", Held::Nobody),
    ("waiting for writers before validation", Held::LaterWriter),
    ("index validation: scanning index", Held::Nobody),
    ("index validation: sorting tuples", Held::Nobody),
    ("index validation: scanning table", Held::Nobody),
    ("waiting for old snapshots", Held::Snapshot),
    (DEAD, Held::Reader),
    ("waiting for readers before dropping", Held::LaterReader),
];

/// What dies.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// Our program, by `kill -9`; the server notices within a second.
    Program,
    /// Its session on the server, which ends in the very phase.
    Session,
    /// The server's process of it, by `kill -9`: the server starts anew.
    Server,
}

const BLOWS: [Blow; 3] = [Blow::Program, Blow::Session, Blow::Server];

/// The server's process of a rebuild, which goes on step by step once it is stopped; let go when this is dropped.
///
/// What is stopped may hold what others need to answer, if only for a moment: then it goes on until they have answered.
struct Rebuild {
    pid: Pid,
    eyes: Talk,
}

impl Rebuild {
    /// Once it has come to this phase, in which it stays.
    fn at(house: &House, phase: &str) -> Self {
        // Whoever is stopped while it writes its phase down cannot be read, which is an error after a moment.
        let mut eyes = Talk::of(&house.server, "SET statement_timeout = 20;");
        let ask = format!("SELECT pid FROM pg_stat_progress_create_index WHERE phase = '{phase}';");
        let mut pid = None;
        let mut found = || {
            pid = eyes.ask(&ask).parse().ok().and_then(Pid::from_raw);
            pid.is_some()
        };
        assert!(wait_until(SOON, &mut found), "no rebuild is {phase}: {}", house.server.log());
        Self { pid: pid.expect("it was found"), eyes }
    }

    fn signal(&self, signal: Signal) {
        // One that has ended by itself is not there any more.
        let _ended = kill_process(self.pid, signal);
    }

    fn stop(&self) {
        self.signal(Signal::STOP);
    }

    fn step(&self, long: Duration) {
        self.signal(Signal::CONT);
        std::thread::sleep(long);
        self.stop();
    }

    /// Steps until it has come to this phase, where it is stopped; whether it has.
    #[must_use]
    fn until(&mut self, phase: &str) -> bool {
        let place = PHASES.iter().position(|(known, _)| *known == phase).expect("it is one");
        let before = PHASES[place - 1].0;
        let ask = "SELECT coalesce((SELECT phase FROM pg_stat_progress_create_index), 'over');";
        self.stop();
        for taken in 0..STEPS {
            // On a busy machine it may not get its turn in so short a step.
            let small_step = SMALL_STEP * (1 + taken / BUSY);
            self.eyes.begin(ask);
            let mut now = self.eyes.answer(AT_ONCE);
            // What it answers after a step was so before.
            while now.is_none() {
                self.step(STEP);
                now = self.eyes.answer(AT_ONCE).map(|_before| String::new());
            }
            match now.as_deref() {
                Some(now) if now == phase => return true,
                Some(now) if now == before => self.step(small_step),
                Some("over") => return false,
                Some(_) | None => self.step(STEP),
            }
        }
        panic!("it is never over");
    }

    /// What somebody says while it goes on step by step.
    fn meanwhile(&self, house: &House, words: &str) -> Talk {
        let mut other = Talk::of(&house.server, "");
        other.begin(words);
        while other.answer(AT_ONCE).is_none() {
            self.step(STEP);
        }
        other
    }

    /// What dies does so while it is stopped.
    fn strike(self, blow: Blow, run: &mut Child) {
        self.stop();
        match blow {
            Blow::Program => run.kill().expect("it is killed"),
            // This is what pg_terminate_backend() sends.
            Blow::Session => self.signal(Signal::TERM),
            Blow::Server => self.signal(Signal::KILL),
        }
    }
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

/// Brings a rebuild to this phase, with those who hold it there; none where it ran past it.
fn brought(house: &House, phase: &str, held: Held, first: Talk) -> Option<(Rebuild, Vec<Talk>)> {
    let say = |words: &str| Talk::of(&house.server, words);
    let waits = if matches!(held, Held::Catalogue) { phase } else { BUILD };
    let mut rebuild = Rebuild::at(house, waits);
    let mut holders = match held {
        Held::Catalogue | Held::Writer => return Some((rebuild, vec![first])),
        Held::Snapshot => vec![say(SEES)],
        Held::Reader | Held::LaterReader => vec![say(READS)],
        Held::Nobody | Held::LaterWriter => Vec::new(),
    };
    rebuild.stop();
    drop(first);
    let on_the_way = match held {
        Held::LaterWriter => {
            let came = rebuild.until(SCAN);
            holders.push(rebuild.meanwhile(house, WRITES));
            came
        }
        Held::LaterReader => {
            let came = rebuild.until(DEAD);
            rebuild.signal(Signal::CONT);
            holders.push(say(READS));
            holders.remove(0);
            came
        }
        Held::Nobody | Held::Catalogue | Held::Writer | Held::Snapshot | Held::Reader => true,
    };
    (on_the_way && rebuild.until(phase)).then_some((rebuild, holders))
}

/// Kills a rebuild in this phase; returns whether it left an invalid index.
fn killed(house: &House, phase: (&str, Held), blow: Blow) -> bool {
    for _ in 0..TRIES {
        if let Some(was_left) = tried(house, phase, blow) {
            return was_left;
        }
        bloated_again(house);
    }
    panic!("{TRIES} rebuilds ran past {}", phase.0);
}

/// The same, or nothing where the rebuild ran past the phase.
fn tried(house: &House, (phase, held): (&str, Held), blow: Blow) -> Option<bool> {
    let first = match held {
        Held::Catalogue => "BEGIN; LOCK TABLE pg_depend IN SHARE MODE;",
        Held::Nobody
        | Held::Writer
        | Held::LaterWriter
        | Held::Snapshot
        | Held::Reader
        | Held::LaterReader => WRITES,
    };
    let first = Talk::of(&house.server, first);
    let mut run = house.maintainer().stdout(Stdio::null()).spawn().expect("it starts");
    let brought = brought(house, phase, held, first);
    let holders = brought.map(|(rebuild, holders)| {
        rebuild.strike(blow, &mut run);
        holders
    });
    let is_over = || run.try_wait().is_ok_and(|ended| ended.is_some());
    assert!(wait_until(SOON, is_over), "{phase}, {blow:?}: the run never ends");
    // Whoever held it does so until its session is gone; a server that lost a process starts anew.
    assert!(wait_until(SOON, || house.server.may_fail("SELECT 1")), "{}", house.server.log());
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'opswarden%'";
    assert!(wait_until(SOON, || house.server.sql(ours) == "0"), "{}", house.server.log());
    let was_killed = holders.is_some();
    drop(holders);
    was_killed.then(|| house.server.sql(INVALID) != "0")
}

/// A table whose index seems to hold nothing.
fn bloated(house: &House) {
    house.settings(REBUILD);
    house.server.sql(
        "CREATE TABLE orders (id bigint, note text);
         INSERT INTO orders SELECT n, repeat('x', 20) FROM generate_series(1, 200000) n;
         CREATE INDEX orders_id ON orders (id);",
    );
    house.server.sql("SELECT pg_sleep(0.3)");
    house.server.sql("VACUUM ANALYZE orders");
    bloated_again(house);
}

/// The same for a ledger that does not remember that it was built anew.
fn bloated_again(house: &House) {
    let _other_ledger = std::fs::remove_dir_all(house.path().join("state"));
    house.server.sql("UPDATE pg_class SET reltuples = 1 WHERE relname = 'orders_id'");
}

/// So many kills; the whole programme has 50.
fn kills() -> usize {
    let wanted = super::peers::env("OPSWARDEN_PROOF_N").and_then(|many| many.parse().ok());
    wanted.unwrap_or(PHASES.len())
}

#[test]
fn a_rebuild_that_is_killed_in_any_phase_leaves_nothing_behind_after_the_next_run() {
    let Some(house) = House::new(&[]) else { return };
    bloated(&house);
    let (mut left, mut dropped) = (BTreeMap::<usize, (u32, u32)>::new(), 0);
    for kill in 0..kills() {
        let place = kill % PHASES.len();
        // Each phase meets each of them before any meets one again.
        let blow = BLOWS[(kill + kill / PHASES.len()) % BLOWS.len()];
        let was_left = killed(&house, PHASES[place], blow);
        let of_phase = left.entry(place).or_default();
        *of_phase = (of_phase.0 + 1, of_phase.1 + u32::from(was_left));
        let report = house.tend();
        let said = format!("killed {} by {blow:?}: {report:#?}", PHASES[place].0);
        let drops = report.proved().iter().filter(|one| one.starts_with("drop")).count();
        assert_eq!(drops > 0, was_left, "{said}");
        dropped += drops;
        assert_eq!(house.server.sql(INVALID), "0", "{said}");
        let indexes = "SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE indrelid = 'orders'::regclass";
        assert_eq!(house.server.sql(indexes), "orders_id", "{said}");
        bloated_again(&house);
    }
    let by_index = "SET enable_seqscan = off; SELECT count(*) FROM orders WHERE id > 0";
    assert_eq!(house.server.sql(by_index), "200000");
    told(&left, dropped);
}

fn told(left: &BTreeMap<usize, (u32, u32)>, dropped: usize) {
    let mut out = std::io::stdout();
    for (place, (killed, left)) in left {
        writeln!(out, "PROOF: {}: {killed} killed, {left} left an invalid index", PHASES[*place].0)
            .expect("standard output is there");
    }
    let sum = |of: fn(&(u32, u32)) -> u32| left.values().map(of).sum::<u32>();
    writeln!(
        out,
        "PROOF: {} rebuilds killed in {} phases: {} left an invalid index, {dropped} were dropped by the next run, 0 are left",
        sum(|one| one.0),
        left.len(),
        sum(|one| one.1),
    )
    .expect("standard output is there");
    // A session or a server that dies once the new index is there cannot take it along.
    assert!(sum(|one| one.1) * 3 >= sum(|one| one.0), "hardly any kill met a rebuild");
}
