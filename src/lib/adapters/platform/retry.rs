//! How often and after which pause an idempotent question is asked again.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// How often a question is asked at most.
pub(super) const TRIES: u32 = 3;
/// The pause after the first try; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(200);

/// The pause after try number `tried`, somewhere between half of it and all, so that many who failed together do not come
/// back together.
pub(super) fn pause(tried: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << tried.saturating_sub(1).min(6));
    let dice = u32::try_from(RandomState::new().hash_one(tried) % 1_000).unwrap_or(0);
    whole / 2 + whole.saturating_mul(dice) / 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        for tried in 1..5 {
            let whole = FIRST * (1 << (tried - 1));
            let pauses: Vec<Duration> = (0..50).map(|_| pause(tried)).collect();
            assert!(pauses.iter().all(|pause| *pause >= whole / 2 && *pause <= whole));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
