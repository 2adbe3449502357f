//! Dealing roles: how many rows of a tenant play which part.

use crate::sandbox::options::{Dialect, Options, Scenario};
use crate::sandbox::seed::Seeded;
use crate::sandbox::time::Stamp;

/// What every part of a scenario looks at.
pub(super) struct Deal<'a> {
    pub(super) options: &'a Options,
    pub(super) now: Stamp,
}

impl Deal<'_> {
    pub(super) fn is_broken(&self) -> bool {
        self.options.scenario == Scenario::Broken
    }

    pub(super) fn dangles(&self) -> bool {
        self.options.dialect == Dialect::Reference
    }

    /// The roles of `total` rows, in random order: each role gets its share of `usual` rows, and what is left plays none.
    /// A share of less than one row is a chance.
    pub(super) fn roles<R: Copy>(
        &self,
        shares: &[(R, usize)],
        usual: usize,
        rest: R,
        total: usize,
        seeded: &mut Seeded,
    ) -> Vec<R> {
        let mut roles = Vec::with_capacity(total);
        if self.is_broken() {
            for (role, share) in shares {
                let whole = share * total / usual;
                #[expect(clippy::cast_precision_loss, reason = "a chance needs no exact rows")]
                let part = ((share * total) % usual) as f64 / usual as f64;
                let count = whole + usize::from(seeded.chance(part));
                roles.extend(std::iter::repeat_n(*role, count));
            }
        }
        roles.truncate(total);
        roles.resize(total, rest);
        seeded.shuffle(&mut roles);
        roles
    }
}
