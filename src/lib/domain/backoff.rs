//! How long to wait before the next attempt of an episode.

use std::time::Duration;

use jiff::Timestamp;

use super::policy::Policy;
use super::subject::Key;

/// The jitter, as a share of the wait, either way.
const JITTER_PERCENT: u64 = 20;

/// The wait after `made` attempts: nothing before the first, then doubled for each further one, spread by a
/// fifth either way so that many subjects do not act in step, and capped. Never shorter than after one attempt less,
/// nor than the back-off itself.
#[must_use]
pub fn wait(made: u32, policy: &Policy, key: &Key, seed: u64) -> Duration {
    let Some(doublings) = made.checked_sub(1) else { return Duration::ZERO };
    let base_ms = u64::try_from(policy.back_off.get().as_millis()).unwrap_or(u64::MAX);
    let cap_ms = u64::try_from(policy.back_off_cap.get().as_millis()).unwrap_or(u64::MAX);
    let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    // 80 to 120 percent. The doubling outgrows the spread, so the waits stay in order.
    let spread = 100 - JITTER_PERCENT + scatter(made, key, seed) % (2 * JITTER_PERCENT + 1);
    let spread_ms = (base_ms.saturating_mul(factor) / 100).saturating_mul(spread);
    Duration::from_millis(spread_ms.max(base_ms).min(cap_ms))
}

/// The earliest moment of the next attempt after `made`, the last of them at `last`.
#[must_use]
pub fn next_attempt(
    made: u32,
    last: Option<Timestamp>,
    policy: &Policy,
    key: &Key,
    seed: u64,
) -> Timestamp {
    let Some(last) = last else { return Timestamp::MIN };
    let wait = wait(made, policy, key, seed);
    last.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// A number that depends on its arguments alone (FNV-1a), so that a replay computes the same.
fn scatter(made: u32, key: &Key, seed: u64) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let text = format!("{seed}/{made}/{key}");
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::duration::HumanDuration;
    use crate::domain::subject::{AgentName, CheckId, Subject, SubjectKind};

    fn key(id: &str) -> Key {
        let subject = Subject::new(SubjectKind::Process, "host-a", id);
        Key::new(AgentName::of("a"), CheckId::of("c"), subject)
    }

    #[test]
    fn the_first_attempt_is_at_once_and_the_second_about_ten_minutes_later() {
        let policy = Policy::default();
        assert_eq!(wait(0, &policy, &key("x"), 7), Duration::ZERO);
        let second = wait(1, &policy, &key("x"), 7);
        assert!((600..=720).contains(&second.as_secs()), "{second:?}");
    }

    proptest! {
        #[test]
        fn back_off_is_monotone_and_capped(
            id in "[a-z]{1,8}", seed: u64, base_s in 1_u64..100_000, cap_s in 1_u64..1_000_000, made in 0_u32..80,
        ) {
            let policy = Policy {
                back_off: HumanDuration::secs(base_s),
                back_off_cap: HumanDuration::secs(cap_s),
                ..Policy::default()
            };
            let (now, next) = (wait(made, &policy, &key(&id), seed), wait(made + 1, &policy, &key(&id), seed));
            prop_assert!(now <= next, "{now:?} after {made}, {next:?} after one more");
            prop_assert!(next <= Duration::from_secs(cap_s));
        }
    }
}
