//! What every helper for a real peer shares: the loud skip, and waiting with an end.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read the environment and wait for real peers"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

/// Says that a test cannot run because `package` is missing; under `CI` that is a failure unless
/// `OPSWARDEN_TEST_ALLOW_SKIP` names the package.
///
/// # Panics
///
/// Under `CI`, where the skip is not allowed.
pub(crate) fn skip(test: &str, package: &str) {
    let mut err = std::io::stderr();
    let _told = writeln!(err, "SKIPPED: {test}: {package} is missing");
    let allowed = std::env::var("OPSWARDEN_TEST_ALLOW_SKIP").unwrap_or_default();
    let allowed = allowed.split(',').any(|name| name.trim() == package);
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(allowed || !in_ci, "{test}: {package} is missing");
}

/// The running test's own name, for the skip.
pub(crate) fn test_name() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

/// The value of an environment variable.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Waits until `holds`, at most for `limit`; returns whether it did.
pub(crate) fn wait_until<F: FnMut() -> bool>(limit: Duration, mut holds: F) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    holds()
}

// Counts every helper as used, whichever of them a test file needs.
const _: () = {
    let _ = skip;
    let _ = test_name;
    let _ = env;
    let _ = wait_until::<fn() -> bool>;
};
