//! Calendars as systemd and cron spell them.

use std::collections::BTreeSet;

use crate::domain::schedule::Calendar;

/// The words in which sets of numbers are spelled.
struct Spelling {
    range: &'static str,
    /// How a step over everything begins, from the least value.
    every: fn(u8) -> String,
    pad: bool,
}

const SYSTEMD: Spelling =
    Spelling { range: "..", every: |least| format!("{least:02}/"), pad: true };
const CRON: Spelling = Spelling { range: "-", every: |_| "*/".to_owned(), pad: false };
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/// A range is told from a list from so many values on.
const A_RANGE: usize = 3;

/// A calendar in UTC as `OnCalendar=` of systemd.
#[must_use]
pub fn on_calendar(calendar: &Calendar) -> String {
    let spell = |set: &BTreeSet<u8>, least, most| spelled(set, least, most, &SYSTEMD);
    let days = &calendar.on;
    let seconds = spell(&calendar.seconds, 0, 59);
    let hours = spell(&calendar.hours, 0, 23);
    let minutes = spell(&calendar.minutes, 0, 59);
    let (months, dates) = (spell(&days.months, 1, 12), spell(&days.days, 1, 31));
    format!("{}*-{months}-{dates} {hours}:{minutes}:{seconds} UTC", weekdays(&days.weekdays))
}

/// A calendar as cron: five fields, or six of which the first is seconds.
#[must_use]
pub fn cron(calendar: &Calendar) -> String {
    let spell = |set: &BTreeSet<u8>, least, most| spelled(set, least, most, &CRON);
    let days = &calendar.on;
    let fields = [
        spell(&calendar.minutes, 0, 59),
        spell(&calendar.hours, 0, 23),
        spell(&days.days, 1, 31),
        spell(&days.months, 1, 12),
        spell(&days.weekdays, 0, 6),
    ];
    let on_the_minute = calendar.seconds == BTreeSet::from([0]);
    let seconds = if on_the_minute { None } else { Some(spell(&calendar.seconds, 0, 59)) };
    seconds.into_iter().chain(fields).collect::<Vec<_>>().join(" ")
}

fn spelled(set: &BTreeSet<u8>, least: u8, most: u8, spelling: &Spelling) -> String {
    let values: Vec<u8> = set.iter().copied().collect();
    let one = |value: u8| {
        if spelling.pad { format!("{value:02}") } else { value.to_string() }
    };
    let count = usize::from(most - least) + 1;
    if values.len() == count {
        return "*".to_owned();
    }
    if let [first, second, ..] = values.as_slice() {
        let (gap, end) = (second - first, values.last().copied().unwrap_or(*first));
        let is_even = values.windows(2).all(|pair| matches!(pair, [a, b] if b - a == gap));
        // systemd 252 loses the first slot after a step that does not come out even: such steps are spelled out.
        let comes_out = count % usize::from(gap) == 0 && count / usize::from(gap) == values.len();
        if is_even && gap > 1 && *first == least && comes_out {
            return format!("{}{gap}", (spelling.every)(least));
        }
        if is_even && gap == 1 && values.len() >= A_RANGE {
            return format!("{}{}{}", one(*first), spelling.range, one(end));
        }
    }
    values.into_iter().map(one).collect::<Vec<_>>().join(",")
}

/// systemd's week starts on Monday, and a range may not wrap there.
fn weekdays(days: &BTreeSet<u8>) -> String {
    if days.len() == WEEKDAYS.len() {
        return String::new();
    }
    let from_monday: Vec<u8> = (1..=7).filter(|day| days.contains(&(day % 7))).collect();
    let name = |day: u8| WEEKDAYS.get(usize::from(day % 7)).copied().unwrap_or_default();
    let text = match from_monday.as_slice() {
        [first, .., last]
            if from_monday.len() >= A_RANGE
                && usize::from(last - first) + 1 == from_monday.len() =>
        {
            format!("{}..{}", name(*first), name(*last))
        }
        all => all.iter().map(|day| name(*day)).collect::<Vec<_>>().join(","),
    };
    format!("{text} ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::schedule::{Fields, Schedule};

    fn calendars(text: &str, zone: &str, delay: u64) -> Vec<Calendar> {
        let from: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let schedule = Schedule::with(Fields::FiveOrSix, text, zone, from).unwrap();
        schedule.calendars(Duration::from_secs(delay), &TimeZone::UTC, from)
    }

    #[test]
    fn every_form_of_cron_has_a_form_of_systemd() {
        for (text, zone, delay, expected) in [
            ("*/5 * * * *", "UTC", 0, vec!["*-*-* *:00/5:00 UTC"]),
            ("*/5 * * * *", "Europe/Paris", 0, vec!["*-*-* *:00/5:00 UTC"]),
            ("*/2 * * * * *", "UTC", 0, vec!["*-*-* *:*:00/2 UTC"]),
            ("0 3 * * *", "UTC", 0, vec!["*-*-* 03:00:00 UTC"]),
            ("0 3 * * *", "Europe/Paris", 0, vec!["*-*-* 01,02:00:00 UTC"]),
            ("15 2 * * *", "Australia/Lord_Howe", 0, vec!["*-*-* 15:15,30,45:00 UTC"]),
            (
                "15,45 8-18/2 * * 1-5",
                "UTC",
                0,
                vec!["Mon..Fri *-*-* 08,10,12,14,16,18:15,45:00 UTC"],
            ),
            ("*/31 */7 * * *", "UTC", 0, vec!["*-*-* 00,07,14,21:00,31:00 UTC"]),
            ("0 0 1 */3 *", "UTC", 0, vec!["*-01/3-01 00:00:00 UTC"]),
            ("0 0 * * 0,wed", "UTC", 0, vec!["Wed,Sun *-*-* 00:00:00 UTC"]),
            ("0 0 * * 6-7", "UTC", 0, vec!["Sat,Sun *-*-* 00:00:00 UTC"]),
            ("0 * * * *", "UTC", 20, vec!["*-*-* *:00:20 UTC"]),
            ("0 0 13 * 5", "UTC", 0, vec!["*-*-13 00:00:00 UTC", "Fri *-*-* 00:00:00 UTC"]),
        ] {
            let mut found: Vec<String> =
                calendars(text, zone, delay).iter().map(on_calendar).collect();
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{text} {zone} {delay}");
        }
    }

    #[test]
    fn cron_gets_one_expression_that_names_them_all() {
        for (text, zone, delay, expected) in [
            ("*/5 * * * *", "UTC", 0, "*/5 * * * *"),
            ("0 3 * * *", "Europe/Paris", 0, "0 1,2 * * *"),
            ("*/2 * * * * *", "UTC", 0, "*/2 * * * * *"),
            ("0 * * * 1-5", "UTC", 20, "20 0 * * * 1-5"),
            ("0 0 13 * 5", "UTC", 0, "0 0 * * *"),
        ] {
            let hull = Calendar::hull(&calendars(text, zone, delay)).unwrap();
            assert_eq!(cron(&hull), expected, "{text} {zone} {delay}");
        }
    }
}
