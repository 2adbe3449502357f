//! What is said about a day or a week, and its numbers as pictures of text.

use super::compose::{begun, more, reasons, tone_of};
use super::incidents::in_a_line;
use super::sheet::{Part, Sheet, counted, row};
use crate::domain::moment;
use crate::domain::notice::{Digest, DigestLine, IncidentLine, Message, RepairLine, Trend};

/// How many lines each list has.
const LISTED: usize = 8;
/// How many agents are told of.
const AGENTS: usize = 16;
/// How many days are shown, the latest.
const DAYS: usize = 14;
/// The heights of a bar of text.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One series of a trend: its name and its counts, oldest first.
pub(super) type Series = (&'static str, Vec<u64>);

/// The sheet of a digest.
pub(super) fn sheet(message: &Message, told: &Digest) -> Sheet {
    let total = |shown: usize, omitted: u64| omitted.saturating_add(shown as u64);
    let open = total(told.open.len(), told.open_omitted);
    let repaired = total(told.repaired.len(), told.repaired_omitted);
    let ended = total(told.ended.len(), told.ended_omitted);
    let status = told.status.as_str();
    let said =
        format!("Digest: {status}, {open} open, {repaired} repaired, {ended} ended otherwise");
    let mut sheet = begun(message, &said, tone_of(told.status));
    let period = format!("{} to {}", moment::full(told.from), moment::full(told.until));
    sheet.parts.push(Part::Facts(vec![row("Status", status), row("Period", period)]));
    if !told.reasons.is_empty() {
        sheet.parts.extend([Part::Title("Why".to_owned()), reasons(&told.reasons)]);
    }
    let incident = |line: &IncidentLine| in_a_line(line);
    sheet.parts.extend(list("Open", open, &told.open, incident));
    sheet.parts.extend(list("Repaired", repaired, &told.repaired, repair));
    sheet.parts.extend(list("Ended otherwise", ended, &told.ended, incident));
    let latest = told.trend.len().saturating_sub(DAYS);
    let trend = told.trend.get(latest..).unwrap_or_default();
    if !trend.is_empty() {
        sheet.parts.extend([Part::Title("By day".to_owned()), Part::Trend(trend.to_vec())]);
    }
    let agents = told.agents.len() as u64;
    sheet.parts.extend(long_list("Agents", agents, &told.agents, AGENTS, agent));
    let calls = ["opsctl status", "opsctl incidents"].map(str::to_owned);
    sheet.parts.push(Part::Calls(calls.to_vec()));
    sheet
}

fn list<T>(title: &str, total: u64, shown: &[T], line: impl Fn(&T) -> String) -> Vec<Part> {
    long_list(title, total, shown, LISTED, line)
}

/// A list with its number, or nothing where there is none of it.
fn long_list<T>(
    title: &str,
    total: u64,
    shown: &[T],
    most: usize,
    line: impl Fn(&T) -> String,
) -> Vec<Part> {
    if total == 0 {
        return Vec::new();
    }
    let lines = shown.iter().take(most).map(line);
    let left_out = total.saturating_sub(shown.len().min(most) as u64);
    let lines = lines.chain(more(left_out)).collect();
    vec![Part::Title(format!("{title}: {total}")), Part::List(lines)]
}

fn repair(line: &RepairLine) -> String {
    let at = moment::full(line.at);
    format!("{}, {at}: {}: {}; {}", line.id, line.operation, line.message, line.proof)
}

fn agent(line: &DigestLine) -> String {
    let (agent, state) = (&line.agent, &line.state);
    let runs = counted(line.runs, "run");
    match line.failed {
        0 => format!("{agent}: {state}, {runs}"),
        failed => format!("{agent}: {state}, {runs}, {failed} did not complete"),
    }
}

/// The three series of a trend.
pub(super) fn series(trend: &[Trend]) -> [Series; 3] {
    let of = |count: fn(&Trend) -> u64| trend.iter().map(count).collect();
    [
        ("Opened", of(|day| day.opened)),
        ("Repaired", of(|day| day.repaired)),
        ("Person called", of(|day| day.escalated)),
    ]
}

/// `▁▃█`: each count against the largest. A count of zero has no bar.
pub(super) fn sparkline(counts: &[u64]) -> String {
    let largest = counts.iter().copied().max().unwrap_or(0);
    let steps = HEIGHTS.len() as u64;
    let height = |count: u64| {
        let step = share(count, largest, steps).saturating_sub(1);
        usize::try_from(step).ok().and_then(|step| HEIGHTS.get(step)).copied().unwrap_or(' ')
    };
    counts.iter().map(|count| if *count == 0 { '·' } else { height(*count) }).collect()
}

/// How many of `steps` a count takes, where the largest takes all of them; at least one unless it is zero.
pub(super) fn share(count: u64, largest: u64, steps: u64) -> u64 {
    if count == 0 || largest == 0 {
        return 0;
    }
    let part = u128::from(count) * u128::from(steps) / u128::from(largest);
    u64::try_from(part).unwrap_or(steps).clamp(1, steps)
}

/// What a sparkline does not say: `12 in all, at most 5 a day`.
pub(super) fn sums(counts: &[u64]) -> String {
    let sum = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let most = counts.iter().copied().max().unwrap_or(0);
    format!("{sum} in all, at most {most} a day")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_count() {
        assert_eq!(sparkline(&[0, 1, 4, 8]), "·▁▄█");
        assert_eq!(sparkline(&[1, u64::MAX]), "▁█", "little is not nothing");
        assert_eq!(sparkline(&[0, 0]), "··");
        assert_eq!(sparkline(&[]), "");
        assert_eq!((share(1, 1000, 10), share(1000, 1000, 10), share(0, 9, 10)), (1, 10, 0));
    }

    #[test]
    fn sums_do_not_overflow() {
        assert_eq!(sums(&[2, 5, 5]), "12 in all, at most 5 a day");
        assert!(sums(&[u64::MAX, 1]).starts_with("18446744073709551615 in all"));
    }
}
