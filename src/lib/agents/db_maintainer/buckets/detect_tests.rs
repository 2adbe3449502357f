//! What is concluded from what a bucket holds, without a store.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::checks::{
    BUCKET_BYTES, BUCKET_FULL, BUCKET_GROWING, BUCKET_OBJECTS, BUCKET_UNREACHABLE,
    UPLOADS_UNFINISHED,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::{BucketFault, BucketSettings};
use crate::agent::{Agent as _, Remedy};
use crate::domain::diagnosis::{Absence, Coverage, Diagnosis, Sample, Verdict};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Subject, SubjectKind};
use crate::domain::upkeep::{BucketLook, BucketUsage, Unfinished, Upload};

const MIB: u64 = 1024 * 1024;
const CHECKS: [&CheckId; 4] =
    [&BUCKET_UNREACHABLE, &BUCKET_FULL, &BUCKET_GROWING, &UPLOADS_UNFINISHED];

fn now() -> Timestamp {
    "2026-11-20T03:00:00Z".parse().unwrap()
}

fn settings(limits: &str) -> BucketSettings {
    let text = format!(
        "name = \"media\"\nendpoint = \"https://s3.example.test\"\nbucket = \"shop-media\"\n{limits}"
    );
    toml::from_str(&text).unwrap()
}

fn media() -> Subject {
    Subject::new(SubjectKind::Bucket, "host-a", "media")
}

fn look(size_bytes: u64) -> BucketLook {
    let unfinished = Unfinished { size_bytes: Some(0), ..Unfinished::default() };
    BucketLook { usage: Ok(BucketUsage { objects: 3, size_bytes }), unfinished: Ok(unfinished) }
}

/// That it held so much so many days ago; newest first.
fn held(days: &[(i64, u64)]) -> Recall {
    let series = |name: &str, value: fn(u64) -> f64| {
        let sample = |(days, bytes): &(i64, u64)| Sample {
            series: name.to_owned(),
            subject: media(),
            at: now() - SignedDuration::from_hours(24 * days),
            value: value(*bytes),
        };
        (name.to_owned(), BTreeMap::from([(media(), days.iter().map(sample).collect())]))
    };
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let bytes = series(BUCKET_BYTES, |bytes| bytes as f64);
    Recall { series: [bytes, series(BUCKET_OBJECTS, |_| 3.0)].into(), ..Recall::default() }
}

fn judged(limits: &str, sight: Sight<BucketLook>, recall: &Recall) -> Diagnosis<Fault> {
    let agent = DbMaintainer { buckets: vec![settings(limits)], ..DbMaintainer::default() };
    let snapshot = Snapshot {
        buckets: BTreeMap::from([("media".to_owned(), sight)]),
        ..Snapshot::blank(now())
    };
    let diagnosis = agent.detect(&snapshot, recall, now());
    for findings in diagnosis.checks.values() {
        for (subject, verdict) in &findings.findings {
            if let Verdict::Faulty(fault @ Fault::Bucket(_), _) = verdict {
                let remedy = agent.remedy(subject, fault, &snapshot, now());
                assert!(matches!(remedy, Remedy::Leave { .. }), "nothing in a bucket is changed");
            }
        }
    }
    diagnosis
}

fn fault<'a>(diagnosis: &'a Diagnosis<Fault>, check: &CheckId) -> Option<&'a BucketFault> {
    match diagnosis.checks[check].findings.get(&media())? {
        Verdict::Faulty(Fault::Bucket(fault), _) => Some(fault),
        _ => None,
    }
}

fn is_unknown(diagnosis: &Diagnosis<Fault>, check: &CheckId) -> bool {
    let findings = &diagnosis.checks[check];
    matches!(findings.findings.get(&media()), Some(Verdict::Unknown { .. }))
        && matches!(findings.coverage, Coverage::Partial { .. })
}

#[test]
fn a_bucket_that_is_not_seen_is_told_and_well_in_nothing_and_leaves_no_number() {
    let why = "the bucket media cannot be seen: the connection was refused";
    let diagnosis = judged("", Err(Blind::because(why)), &Recall::default());
    let told = fault(&diagnosis, &BUCKET_UNREACHABLE).unwrap();
    assert_eq!(told, &BucketFault::Unreachable { why: why.to_owned() });
    for check in &CHECKS[1..] {
        assert!(is_unknown(&diagnosis, check), "{check}");
    }
    assert_eq!(diagnosis.samples, []);
}

#[test]
fn a_list_that_was_cut_is_no_number_and_judged_by_none() {
    let cut = BucketLook { usage: Err(Blind::because("cut")), ..look(0) };
    let diagnosis = judged("bytes_warning = 1", Ok(cut), &held(&[(1, 5)]));
    assert_eq!(fault(&diagnosis, &BUCKET_UNREACHABLE), None);
    assert!(is_unknown(&diagnosis, &BUCKET_FULL) && is_unknown(&diagnosis, &BUCKET_GROWING));
    assert!(!is_unknown(&diagnosis, &UPLOADS_UNFINISHED), "that was seen");
    assert_eq!(diagnosis.samples, []);
}

#[test]
fn what_it_holds_is_kept_though_nothing_is_wrong() {
    let diagnosis = judged("", Ok(look(77)), &Recall::default());
    let kept: Vec<_> =
        diagnosis.samples.iter().map(|one| (one.series.as_str(), one.value)).collect();
    assert_eq!(kept, [(BUCKET_OBJECTS, 3.0), (BUCKET_BYTES, 77.0)]);
    for check in CHECKS {
        let verdict = &diagnosis.checks[check].findings[&media()];
        assert!(matches!(verdict, Verdict::Healthy(_)), "{check}: {verdict:?}");
    }
}

#[test]
fn growth_is_judged_against_the_last_look_and_only_where_there_was_one() {
    let limit = "growth_percent = 50";
    for (before, after, expected) in [
        (10 * MIB, 15 * MIB, true),
        (10 * MIB, 15 * MIB - 1, false),
        (10 * MIB, 3 * MIB, false),
        (MIB / 2, MIB, false),
        (0, MIB, true),
        (0, MIB - 1, false),
    ] {
        let diagnosis = judged(limit, Ok(look(after)), &held(&[(1, before), (2, 1)]));
        let told = fault(&diagnosis, &BUCKET_GROWING);
        assert_eq!(told.is_some(), expected, "{before} {after}");
        assert!(told.is_none_or(|fault| fault.facts()["before_bytes"] == before.to_string()));
    }
    let first = judged(limit, Ok(look(MIB)), &Recall::default());
    assert!(first.checks[&BUCKET_GROWING].findings.is_empty(), "nothing to compare with");
    // A clock was set back: the number of the future is passed over.
    let odd = judged(limit, Ok(look(15 * MIB)), &held(&[(-1, 15 * MIB), (1, 10 * MIB)]));
    assert!(fault(&odd, &BUCKET_GROWING).is_some());
}

#[test]
fn an_unfinished_upload_is_told_with_what_would_end_it_and_no_name_breaks_out_of_it() {
    let command = |key: &str| {
        let oldest = Upload {
            begun_at: now() - SignedDuration::from_hours(24 * 9),
            key: key.to_owned(),
            id: "u1".to_owned(),
        };
        let unfinished = Unfinished { count: 2, oldest: Some(oldest), ..Unfinished::default() };
        let sight = BucketLook { unfinished: Ok(unfinished), ..look(1) };
        let diagnosis = judged("", Ok(sight), &Recall::default());
        let fault = fault(&diagnosis, &UPLOADS_UNFINISHED).unwrap();
        assert_eq!(fault.severity(), crate::domain::severity::Severity::Info);
        assert!(fault.message().starts_with("2 uploads to the bucket media never ended"));
        fault.facts().get("command").cloned()
    };
    let told = command("it's $(x).mp4").unwrap();
    assert_eq!(
        told,
        r"aws s3api abort-multipart-upload --endpoint-url='https://s3.example.test' --region='us-east-1' --bucket='shop-media' --key='it'\''s $(x).mp4' --upload-id='u1'"
    );
    assert_eq!(command("a\u{1b}[2Jb"), None, "a terminal would obey it");
}

#[test]
fn a_store_that_forgets_uploads_is_not_believed_that_there_are_none() {
    let uploads = |oldest| {
        let unfinished = Unfinished { count: 1, oldest, forgetful: true, ..Unfinished::default() };
        let sight = BucketLook { unfinished: Ok(unfinished), ..look(1) };
        judged("", Ok(sight), &Recall::default()).checks[&UPLOADS_UNFINISHED].clone()
    };
    let none = uploads(None);
    assert!(none.findings.is_empty(), "{none:?}");
    let [Absence::Excused { why }] = &none.absent.into_values().collect::<Vec<_>>()[..] else {
        panic!("it is neither well nor unknown");
    };
    assert!(why.contains("begun since it was started"), "{why}");
    let begun_at = now() - SignedDuration::from_hours(24 * 9);
    let one = uploads(Some(Upload { begun_at, key: "k".to_owned(), id: "u".to_owned() }));
    assert!(one.absent.is_empty() && one.findings.len() == 1, "what it does tell is so: {one:?}");
}

#[test]
fn mistakes_in_the_settings_are_told_one_by_one() {
    let limits = "region = \"EU\"\nunfinished_after = \"0s\"\nlook_within = \"0s\"";
    let bad = BucketSettings {
        name: "Media".to_owned(),
        endpoint: "s3.example.test".to_owned(),
        bucket: "Shop".to_owned(),
        ..settings(limits)
    };
    let agent =
        DbMaintainer { buckets: vec![settings(""), bad, settings("")], ..DbMaintainer::default() };
    let paths: Vec<String> = agent.problems().into_iter().map(|problem| problem.path).collect();
    let of_second = ["name", "endpoint", "bucket", "region", "unfinished_after", "look_within"];
    let mut expected: Vec<String> =
        of_second.iter().map(|one| format!("buckets[1].{one}")).collect();
    expected.push("buckets[2].name".to_owned());
    assert_eq!(paths, expected);
}

proptest! {
    /// More in a bucket never makes a finding go away, and a higher limit never makes one.
    #[test]
    fn a_finding_follows_size_and_limit(
        before in 0..100 * MIB, size in 0..200 * MIB, more in 0..100 * MIB,
        percent in 1..500_u32, laxer in 0..500_u32, bytes in 1..200 * MIB,
    ) {
        let told = |size, percent, bytes| {
            let limits = format!("growth_percent = {percent}\nbytes_warning = {bytes}");
            let diagnosis = judged(&limits, Ok(look(size)), &held(&[(1, before)]));
            [&BUCKET_FULL, &BUCKET_GROWING].map(|check| fault(&diagnosis, check).is_some())
        };
        let [full, growing] = told(size, percent, bytes);
        prop_assert_eq!(full, size >= bytes);
        let [fuller, faster] = told(size + more, percent, bytes);
        prop_assert!(fuller >= full && faster >= growing);
        let [_, laxer] = told(size, percent + laxer, bytes);
        prop_assert!(laxer <= growing);
    }
}
