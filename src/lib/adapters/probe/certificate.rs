//! The end of a certificate's validity, read out of its DER.
//!
//! Only the way to that one field is walked. The TLS library has verified the certificate by then; what cannot be
//! walked is unknown.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// When the certificate ends.
pub(super) fn ends(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    let after_version = match element(signed, VERSION) {
        Some((_, rest)) => rest,
        None => signed,
    };
    let (_serial, rest) = element(after_version, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (_issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, not_after) = time(validity)?;
    moment(time(not_after)?.0)
}

/// The content of the first element, if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = length(rest)?;
    (*first == tag).then_some(())?;
    rest.split_at_checked(length)
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    const LONG: u8 = 0x80;
    let (first, rest) = bytes.split_first()?;
    if *first < LONG {
        return Some((usize::from(*first), rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first - LONG))?;
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    Some((digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest))
}

/// The text of a time with its century, and what follows it.
fn time(bytes: &[u8]) -> Option<(String, &[u8])> {
    if let Some((text, rest)) = element(bytes, GENERALIZED_TIME) {
        return Some((str::from_utf8(text).ok()?.to_owned(), rest));
    }
    let (text, rest) = element(bytes, UTC_TIME)?;
    let text = str::from_utf8(text).ok()?;
    // Two digits of a year: from 50 on they are of the last century.
    let century = if text.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" };
    Some((format!("{century}{text}"), rest))
}

fn moment(text: String) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%d%H%M%S", text.strip_suffix('Z')?).ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok();
    // The last second of the year 9999 says "never"; it lies just beyond what can be computed with.
    Some(zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms_of_time() {
        for (year, expected) in [(2031, "2031-02-03T00:00:00Z"), (2077, "2077-02-03T00:00:00Z")] {
            assert_eq!(ends(&certificate(year)), Some(expected.parse().unwrap()));
        }
    }

    #[test]
    fn a_certificate_without_an_end_never_ends() {
        assert_eq!(moment("99991231235959Z".to_owned()), Some(Timestamp::MAX));
        assert_eq!(moment("2031".to_owned()), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _unknown = ends(&bytes);
        }

        #[test]
        fn a_truncated_certificate_has_no_end(cut in any::<proptest::sample::Index>()) {
            let whole = certificate(2031);
            prop_assert_eq!(ends(&whole[..cut.index(whole.len())]), None);
        }
    }
}
