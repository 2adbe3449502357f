//! Which backups were restored for a proof, what was in them, and until when that counts.

use jiff::Timestamp;

use super::page::Page;
use super::style::Tone;
use super::time::relative;
use crate::domain::upkeep::RestoreProof;

/// What was proved of the backups of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// What they are backups of.
    pub of: String,
    /// The last restore for a proof; an error where its record cannot be read.
    pub proof: Result<Option<RestoreProof>, String>,
}

/// The part of the screen.
pub(super) fn section(page: &mut Page, all: &[Proved], now: Timestamp) {
    if all.is_empty() {
        return;
    }
    page.heading("Backups that were restored for a proof");
    for one in all {
        let (tone, text) = told(&one.proof, now);
        page.item(tone, &one.of, &text);
    }
}

fn told(proof: &Result<Option<RestoreProof>, String>, now: Timestamp) -> (Tone, String) {
    let proof = match proof {
        Err(why) => return (Tone::Warn, format!("not known: {why}")),
        Ok(None) => return (Tone::Warn, "none yet".to_owned()),
        Ok(Some(proof)) => proof,
    };
    let when = relative(proof.proved_at, now);
    if let Some(why) = &proof.fault {
        return (Tone::Bad, format!("{} is no good, tried {when}: {why}", proof.backup));
    }
    // Tenths of a second are enough, and what took less is shown as the least.
    let took = proof.restore_ms.div_ceil(100);
    let what = format!("{when}, in {}.{} s: {}", took / 10, took % 10, proof.holds);
    match proof.good_until {
        Some(until) if until <= now => {
            (Tone::Bad, format!("expired {}; restored {what}", relative(until, now)))
        }
        Some(until) => {
            (Tone::Good, format!("good until {}; restored {what}", until.strftime("%F")))
        }
        None => (Tone::Warn, format!("restored {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(good_until: Option<&str>, fault: Option<&str>) -> RestoreProof {
        let at = |text: &str| text.parse().unwrap();
        RestoreProof {
            backup: "shop-1.dump".to_owned(),
            taken_at: at("2026-11-29T03:00:00Z"),
            proved_at: at("2026-11-29T03:01:00Z"),
            restore_ms: 2_310,
            holds: "2 tables with 5003 rows".to_owned(),
            good_until: good_until.map(at),
            fault: fault.map(str::to_owned),
            level: None,
        }
    }

    #[test]
    fn a_proof_expires_and_a_failed_one_is_none() {
        let now = "2026-12-01T03:00:00Z".parse().unwrap();
        let of = |proof| told(&proof, now);
        let (tone, text) = of(Ok(Some(proof(Some("2026-12-06T05:00:00Z"), None))));
        assert_eq!(tone, Tone::Good);
        assert!(text.starts_with("good until 2026-12-06; restored"), "{text}");
        assert!(text.contains("in 2.4 s: 2 tables with 5003 rows"), "{text}");
        let (tone, text) = of(Ok(Some(proof(Some("2026-11-30T00:00:00Z"), None))));
        assert!(tone == Tone::Bad && text.starts_with("expired"), "{text}");
        let (tone, text) = of(Ok(Some(proof(None, Some("no rows")))));
        assert!(tone == Tone::Bad && text.contains("no good"), "{text}");
        assert_eq!(of(Ok(None)).1, "none yet");
        assert_eq!(of(Err("gone".to_owned())).1, "not known: gone");
    }
}
