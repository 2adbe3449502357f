//! Laws of what is done about logs: the newest of each series stays, nothing is ever emptied, a cut is whole blocks.

use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_hours(24);

fn rules() -> LogRules {
    LogRules {
        patterns: Vec::new(),
        depth: 0,
        trim_above_bytes: 100 * CUT_BYTES,
        keep_bytes: 50 * CUT_BYTES,
        hot: 7 * DAY,
        warm: 30 * DAY,
        cold: 90 * DAY,
    }
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap()
}

const NOW: i64 = 1000;

fn file(name: &str, age: i64, mib: u64, held: Held) -> LogFile {
    LogFile {
        name: name.to_owned(),
        size_bytes: mib * CUT_BYTES,
        written_at: day(NOW - age),
        node: name.to_owned(),
        held,
        unfit: None,
        put_off: false,
    }
}

fn archive(of: &str, age: i64, tier: Tier) -> Archive {
    Archive {
        name: format!("{of}.{age}.gz"),
        of: of.to_owned(),
        tier,
        size_bytes: 1,
        written_at: day(NOW - age),
        put_off: false,
    }
}

fn look(files: Vec<LogFile>, archives: Vec<Archive>) -> LogsLook {
    LogsLook { files, archives, ..LogsLook::default() }
}

fn names<'a>(files: impl IntoIterator<Item = &'a LogFile>) -> Vec<&'a str> {
    files.into_iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn the_last_log_of_a_service_that_died_stays_where_it_is_and_those_before_it_are_archived() {
    let dead = vec![
        file("dead.log", 400, 1, Held::Free),
        file("dead.log.1", 410, 1, Held::Free),
        file("dead.log.2", 420, 1, Held::Free),
        file("empty.log", 400, 0, Held::Free),
        file("empty.log.1", 410, 1, Held::Free),
    ];
    assert_eq!(names(rules().old(&look(dead, Vec::new()), day(NOW))), ["dead.log.2", "dead.log.1"]);
}

#[test]
fn the_last_words_of_every_tenant_stay_however_long_its_number_is() {
    let files = ["tenant-10000001.log", "tenant-10000002.log", "tenant-10000003.log"];
    let files = (400..).zip(files).map(|(age, name)| file(name, age, 1, Held::Free));
    assert!(rules().old(&look(files.collect(), Vec::new()), day(NOW)).is_empty());
    let archives = ["tenant-10000001.log", "tenant-10000002.log"];
    let archives = archives.iter().map(|name| archive(name, 400, Tier::Cold)).collect();
    assert!(rules().expired(&look(Vec::new(), archives), day(NOW)).is_empty());
}

#[test]
fn a_log_that_may_take_all_the_time_waits_for_all_others() {
    let sizes = [(4, 400_000), (3, 5000), (2, 1024), (1, 1)];
    let old =
        sizes.map(|(number, mib)| file(&format!("a.log.{number}"), 10 + number, mib, Held::Free));
    let files = [vec![file("a.log", 0, 1, Held::Free)], old.to_vec()].concat();
    let archives = [(50, 900), (40, 200), (35, 1)].map(|(age, mib)| Archive {
        size_bytes: mib * CUT_BYTES,
        ..archive("a.log.9", age, Tier::Warm)
    });
    let look = look(files, archives.to_vec());
    let order = ["a.log.2", "a.log.1", "a.log.3", "a.log.4"];
    assert_eq!(names(rules().old(&look, day(NOW))), order);
    let warm: Vec<_> = rules().warm(&look, day(NOW)).into_iter().map(|one| &one.name).collect();
    assert_eq!(warm, ["a.log.9.35.gz", "a.log.9.40.gz", "a.log.9.50.gz"]);
}

#[test]
fn what_is_held_open_is_in_use_however_old_and_what_cannot_be_seen_is_left_with_its_reason() {
    let unseen = Held::Unseen { why: "its writers cannot be seen".to_owned() };
    let files = vec![
        file("a.log", 1, 1, Held::Free),
        file("a.log.1", 100, 1, Held::Appended),
        file("a.log.2", 100, 1, unseen),
        LogFile { unfit: Some("it has 2 names".to_owned()), ..file("a.log.3", 100, 1, Held::Free) },
        file("a.log.4", 6, 1, Held::Free),
        file("a.log.5", -3, 1, Held::Free),
    ];
    let look = look(files, Vec::new());
    assert!(rules().old(&look, day(NOW)).is_empty());
    let stuck = rules().stuck(&look, day(NOW));
    let told: Vec<_> = stuck.iter().map(|one| (one.file.name.as_str(), one.why.as_str())).collect();
    assert_eq!(told, [("a.log.2", "its writers cannot be seen"), ("a.log.3", "it has 2 names")]);
}

#[test]
fn a_large_log_is_trimmed_while_it_is_in_use_and_only_where_all_append_and_the_file_system_can() {
    let placed = Held::Placed { by: "java".to_owned() };
    let files = vec![
        file("a.log", 0, 101, Held::Appended),
        file("b.log", 0, 300, Held::Free),
        file("b.log.1", 1, 300, Held::Free),
        file("c.log", 0, 300, placed),
        file("d.log", 0, 100, Held::Appended),
    ];
    let mut look = look(files, Vec::new());
    assert_eq!(names(rules().large(&look)), ["b.log", "a.log"]);
    assert_eq!(names(rules().stuck(&look, day(NOW)).iter().map(|one| one.file)), ["c.log"]);
    look.no_trim = Some("it is a tmpfs".to_owned());
    assert!(rules().large(&look).is_empty());
    assert_eq!(rules().stuck(&look, day(NOW)).len(), 3);
}

#[test]
fn an_archive_goes_after_its_time_unless_it_is_all_that_is_left_of_its_series() {
    let archives = vec![
        archive("gone.log.1", 200, Tier::Cold),
        archive("gone.log.2", 300, Tier::Cold),
        archive("live.log.1", 200, Tier::Cold),
        archive("live.log.1", 40, Tier::Warm),
        archive("live.log.1", 20, Tier::Warm),
        archive("left.log", 95, Tier::Warm),
    ];
    let look = look(vec![file("live.log", 0, 1, Held::Appended)], archives);
    let gone: Vec<_> = rules().expired(&look, day(NOW)).into_iter().map(|one| &one.name).collect();
    assert_eq!(gone, ["gone.log.2.300.gz", "live.log.1.200.gz"]);
    let warm: Vec<_> = rules().warm(&look, day(NOW)).into_iter().map(|one| &one.name).collect();
    assert_eq!(warm, ["left.log.95.gz", "live.log.1.40.gz"]);
}

fn held() -> impl Strategy<Value = Held> {
    prop_oneof![
        3 => Just(Held::Free),
        1 => Just(Held::Appended),
        1 => Just(Held::Placed { by: "java".to_owned() }),
        1 => Just(Held::Unseen { why: "unseen".to_owned() }),
    ]
}

prop_compose! {
    fn any_file()(
        stem in 0..3_u8, number in 0..5_u8, age in -5..120_i64, mib in 0..400_u64, held in held(),
    ) -> LogFile {
        let name = if number == 0 { format!("s{stem}.log") } else { format!("s{stem}.log.{number}") };
        file(&name, age, mib, held)
    }
}

prop_compose! {
    fn any_archive()(stem in 0..3_u8, age in 0..200_i64, cold in any::<bool>()) -> Archive {
        archive(&format!("s{stem}.log.1"), age, if cold { Tier::Cold } else { Tier::Warm })
    }
}

prop_compose! {
    fn any_look()(
        files in proptest::collection::vec(any_file(), 0..20),
        archives in proptest::collection::vec(any_archive(), 0..20),
    ) -> LogsLook {
        let by_name = |files: Vec<LogFile>| -> BTreeMap<String, LogFile> {
            files.into_iter().map(|file| (file.name.clone(), file)).collect()
        };
        let once = |archives: Vec<Archive>| -> BTreeMap<(Tier, String), Archive> {
            archives.into_iter().map(|one| ((one.tier, one.name.clone()), one)).collect()
        };
        look(by_name(files).into_values().collect(), once(archives).into_values().collect())
    }
}

/// The newest thing that holds something of each series, in place or in an archive.
fn evidence(look: &LogsLook) -> BTreeMap<String, Timestamp> {
    let mut all: BTreeMap<String, Timestamp> = BTreeMap::new();
    let files = look.files.iter().filter(|file| file.size_bytes > 0);
    let files = files.map(|file| (series(&file.name), file.written_at));
    let archives = look.archives.iter().map(|one| (series(&one.of), one.written_at));
    for (of, at) in files.chain(archives) {
        let newest = all.entry(of).or_insert(at);
        *newest = at.max(*newest);
    }
    all
}

proptest! {
    #[test]
    fn a_cut_is_whole_blocks_and_leaves_what_is_to_be_kept(
        size in 0..u64::MAX / 2, above in 1..10_000_u64, keep in 1..10_000_u64,
    ) {
        let rules = LogRules {
            trim_above_bytes: above * CUT_BYTES,
            keep_bytes: keep * CUT_BYTES,
            ..rules()
        };
        let cut = rules.cut(size);
        prop_assert_eq!(cut % CUT_BYTES, 0);
        if cut > 0 {
            prop_assert!(size > rules.trim_above_bytes);
            prop_assert!(size - cut >= rules.keep_bytes);
            prop_assert!(size - cut < rules.keep_bytes + CUT_BYTES);
        }
        prop_assert_eq!(LogRules { keep_bytes: 0, ..rules }.cut(size), 0);
    }

    #[test]
    fn no_act_takes_the_newest_of_a_series_nor_anything_young_held_or_unseen(look in any_look()) {
        let (rules, now) = (rules(), day(NOW));
        let before = evidence(&look);
        for file in rules.old(&look, now) {
            prop_assert!(age(file.written_at, now) >= rules.hot);
            prop_assert_eq!(&file.held, &Held::Free);
            let newer = |other: &LogFile| {
                other.name != file.name && other.size_bytes > 0
                    && series(&other.name) == series(&file.name)
                    && other.written_at >= file.written_at
            };
            prop_assert!(look.files.iter().any(newer), "{} is the last of its series", file.name);
        }
        let gone: Vec<Archive> = rules.expired(&look, now).into_iter().cloned().collect();
        let mut after = look.clone();
        after.archives.retain(|archive| !gone.contains(archive));
        prop_assert!(gone.iter().all(|one| age(one.written_at, now) >= rules.cold));
        let left = evidence(&after);
        prop_assert_eq!(left.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
        for (of, newest) in before {
            let has_live = look.files.iter().any(|file| file.size_bytes > 0 && series(&file.name) == of);
            prop_assert!(has_live || left[&of] == newest, "the last words of {of} went");
        }
        for file in rules.large(&look) {
            prop_assert!(matches!(file.held, Held::Free | Held::Appended));
            prop_assert!(rules.cut(file.size_bytes) > 0);
        }
    }

    #[test]
    fn what_is_done_is_done_once(look in any_look()) {
        let (rules, now) = (rules(), day(NOW));
        let mut after = look.clone();
        let old: Vec<String> = rules.old(&look, now).into_iter().map(|one| one.name.clone()).collect();
        after.files.retain(|file| !old.contains(&file.name));
        prop_assert!(rules.old(&after, now).is_empty());
        let gone: Vec<Archive> = rules.expired(&after, now).into_iter().cloned().collect();
        after.archives.retain(|archive| !gone.contains(archive));
        prop_assert!(rules.expired(&after, now).is_empty());
        for file in &mut after.files {
            file.size_bytes -= rules.cut(file.size_bytes);
        }
        prop_assert!(rules.large(&after).is_empty());
    }
}
