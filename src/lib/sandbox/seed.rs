//! Numbers, ids and secrets that follow from a seed alone, so that a tenant can be made again exactly.

/// A small generator (splitmix64): the same seed gives the same tenant on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Seeded(u64);

/// Scrambles a number into one that looks like no other.
pub(crate) const fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mixed(seed))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number from `low` to below `high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).unwrap_or(1).max(1);
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// An index below `length`, which is not zero.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(1).max(1);
        usize::try_from(self.next() % length).unwrap_or(0)
    }

    /// True in `probability` of the cases.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        let part = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(part) / f64::from(u32::MAX) < probability
    }

    /// Puts `items` into another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.index(at + 1);
            items.swap(at, other);
        }
    }

    /// An id in the form of a UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let high = (self.next() & !0xf000) | 0x4000;
        let low = (self.next() & !(0b11 << 62)) | (0b10 << 62);
        let text = format!("{high:016x}{low:016x}");
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }

    /// An id in the other form: a `c` and 24 digits.
    pub(crate) fn cuid(&mut self) -> String {
        format!("c{:016x}{:08x}", self.next(), self.next() >> 32)
    }

    /// 64 hexadecimal digits: an opaque secret.
    pub(crate) fn secret(&mut self) -> String {
        let part = |seeded: &mut Self| format!("{:016x}", seeded.next());
        [part(self), part(self), part(self), part(self)].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_in_their_forms() {
        let (mut one, mut two) = (Seeded::new(7), Seeded::new(7));
        let id = one.uuid();
        assert_eq!(id, two.uuid());
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert_eq!(one.cuid().len(), 25);
        assert_eq!(one.secret().len(), 64);
        assert_ne!(Seeded::new(8).uuid(), id);
    }
}
