//! What is wrong with buckets, and what they hold. Pure.

use super::super::checks::{
    AGENT, BUCKET_BYTES, BUCKET_FULL, BUCKET_GROWING, BUCKET_OBJECTS, BUCKET_UNREACHABLE,
    UPLOADS_UNFINISHED,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::history::{Usage, history};
use super::{BucketFault, BucketSettings};
use crate::domain::diagnosis::{
    Absence, CheckFindings, Coverage, Diagnosis, Evidence, Origin, Sample, Verdict,
};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Subject, SubjectKind};
use crate::domain::upkeep::{BucketLook, BucketUsage, Unfinished, Upload};

/// Less than this is no growth, however small the bucket was.
const LEAST_GROWTH: u64 = 1024 * 1024;

/// Why nothing is said about the uploads of a store that names none and may have forgotten some.
const FORGOTTEN: &str = "the store tells only of uploads that were begun since it was started; MinIO, which does so, ends those \
                         itself that are older than a day";

const CHECKS: [&CheckId; 4] =
    [&BUCKET_UNREACHABLE, &BUCKET_FULL, &BUCKET_GROWING, &UPLOADS_UNFINISHED];

pub(in super::super) fn detect(
    agent: &DbMaintainer,
    snapshot: &Snapshot,
    recall: &Recall,
    diagnosis: &mut Diagnosis<Fault>,
) {
    for check in CHECKS {
        diagnosis.checks.insert(check.clone(), CheckFindings::new(Coverage::Whole));
    }
    let none = Err(Blind::because("it was not looked at"));
    for bucket in &agent.buckets {
        let subject = Subject::new(SubjectKind::Bucket, &snapshot.host, &bucket.name);
        let sight = snapshot.buckets.get(&bucket.name).unwrap_or(&none);
        let of = Of { bucket, subject: &subject, snapshot, recall };
        for check in CHECKS {
            let findings = diagnosis.checks.get_mut(check).expect("it was put in above");
            of.conclude(check, sight, findings);
        }
        if let Ok(BucketLook { usage: Ok(usage), .. }) = sight {
            diagnosis.samples.extend(of.samples(*usage));
        }
    }
}

/// What a check says of a bucket that was seen.
enum Judged {
    Well,
    Ill(BucketFault),
    /// There is no earlier look to compare with.
    Incomparable,
    /// It is not asked about.
    Excused(&'static str),
}

/// One bucket and what is known of it.
struct Of<'a> {
    bucket: &'a BucketSettings,
    subject: &'a Subject,
    snapshot: &'a Snapshot,
    recall: &'a Recall,
}

impl Of<'_> {
    fn conclude(
        &self,
        check: &CheckId,
        sight: &Sight<BucketLook>,
        findings: &mut CheckFindings<Fault>,
    ) {
        let judged = match sight {
            Err(blind) if *check == BUCKET_UNREACHABLE => {
                Ok(Judged::Ill(BucketFault::Unreachable { why: blind.why.clone() }))
            }
            Err(blind) => Err(blind),
            Ok(look) => self.judged(check, look),
        };
        let evidence = Evidence::once(Origin::Store, self.snapshot.at);
        let verdict = match judged {
            Ok(Judged::Ill(fault)) => Verdict::Faulty(Fault::Bucket(fault), evidence),
            Ok(Judged::Well) => Verdict::Healthy(evidence),
            Ok(Judged::Incomparable) if self.is_open(check) => {
                Verdict::unknown("there is no earlier number to compare with")
            }
            Ok(Judged::Incomparable) => return,
            Ok(Judged::Excused(why)) => {
                let excused = Absence::Excused { why: why.to_owned() };
                findings.absent.insert(self.subject.clone(), excused);
                return;
            }
            Err(blind) => {
                findings.coverage = Coverage::Partial { why: blind.why.clone() };
                Verdict::unknown(&blind.why)
            }
        };
        findings.findings.insert(self.subject.clone(), verdict);
    }

    fn judged<'l>(&self, check: &CheckId, look: &'l BucketLook) -> Result<Judged, &'l Blind> {
        let fault = match check {
            check if *check == BUCKET_FULL => self.full(*look.usage.as_ref()?),
            check if *check == BUCKET_GROWING => return Ok(self.growing(*look.usage.as_ref()?)),
            check if *check == UPLOADS_UNFINISHED => {
                return Ok(self.unfinished(look.unfinished.as_ref()?));
            }
            _ => None,
        };
        Ok(fault.map_or(Judged::Well, Judged::Ill))
    }

    fn full(&self, usage: BucketUsage) -> Option<BucketFault> {
        let limit_bytes = self.bucket.bytes_warning.filter(|limit| usage.size_bytes >= *limit)?;
        Some(BucketFault::Full { name: self.bucket.name.clone(), limit_bytes })
    }

    fn growing(&self, usage: BucketUsage) -> Judged {
        let Some(limit_percent) = self.bucket.growth_percent else { return Judged::Well };
        let Some(before) = self.before() else { return Judged::Incomparable };
        let grown = usage.size_bytes.saturating_sub(before.size_bytes);
        let limit = u128::from(before.size_bytes) * u128::from(limit_percent);
        if grown < LEAST_GROWTH || u128::from(grown) * 100 < limit {
            return Judged::Well;
        }
        Judged::Ill(BucketFault::Growing {
            name: self.bucket.name.clone(),
            limit_percent,
            before_bytes: before.size_bytes,
            before_at: before.at,
            size_bytes: usage.size_bytes,
        })
    }

    /// What the last run saw. A number from the future was kept by a clock that has been set back since.
    fn before(&self) -> Option<Usage> {
        let known = history(self.recall, self.subject);
        known.into_iter().find(|usage| usage.at < self.snapshot.at)
    }

    fn unfinished(&self, unfinished: &Unfinished) -> Judged {
        let Some(oldest) = unfinished.oldest.as_ref() else {
            return if unfinished.forgetful { Judged::Excused(FORGOTTEN) } else { Judged::Well };
        };
        Judged::Ill(BucketFault::Unfinished {
            name: self.bucket.name.clone(),
            count: unfinished.count,
            oldest: oldest.begun_at,
            size_bytes: unfinished.size_bytes,
            command: self.command(oldest),
        })
    }

    /// What ends an upload, for the tool that every such store is used with. A name that a terminal would not show as it is
    /// makes none.
    fn command(&self, upload: &Upload) -> Option<String> {
        let BucketSettings { endpoint, region, bucket, .. } = self.bucket;
        let Upload { key, id, .. } = upload;
        let is_shown = ![key, id].iter().any(|text| text.chars().any(char::is_control));
        let [endpoint, region, bucket, key, id] =
            [endpoint, region, bucket, key, id].map(|text| text.replace('\'', r"'\''"));
        is_shown.then(|| {
            format!(
                "aws s3api abort-multipart-upload --endpoint-url='{endpoint}' --region='{region}' \
                 --bucket='{bucket}' --key='{key}' --upload-id='{id}'"
            )
        })
    }

    fn is_open(&self, check: &CheckId) -> bool {
        self.recall.incidents.iter().any(|incident| {
            let key = &incident.key;
            key.agent == AGENT && key.check == *check && key.subject == *self.subject
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "both stay far below 2^53")]
    fn samples(&self, usage: BucketUsage) -> [Sample; 2] {
        let sample = |series: &str, value: u64| Sample {
            series: series.to_owned(),
            subject: self.subject.clone(),
            at: self.snapshot.at,
            value: value as f64,
        };
        [sample(BUCKET_OBJECTS, usage.objects), sample(BUCKET_BYTES, usage.size_bytes)]
    }
}
