//! systemd units of the agents: a plain service, and a timer with the agent's own schedule.

use crate::domain::spec::Spec;

/// A schedule that systemd cannot keep in the same way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{cron}` cannot be written as OnCalendar=: {why}")]
pub struct NoTimer {
    /// The schedule.
    pub cron: String,
    /// Why not.
    pub why: String,
}

/// The service of one run.
#[must_use]
pub fn service(spec: &Spec) -> String {
    let name = &spec.name;
    format!(
        "# Derived from the code by scripts/sync; change it with `systemctl edit opswarden-{name}`.\n\
         [Unit]\n\
         Description=opswarden {name}: {}\n\
         After=network.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # Runs only if a slot is due that nobody has: whatever else starts this agent, it runs once.\n\
         ExecStart=/usr/local/bin/{name} --if-due --trigger systemd\n\
         Environment=OPSWARDEN_CONFIG=/etc/opswarden/agents.toml\n\
         # 1: findings are open. 75: already running. Both mean that the agent did its work.\n\
         SuccessExitStatus=1 75\n\
         User=opswarden\n\
         Group=opswarden\n\
         UMask=0027\n\
         ConfigurationDirectory=opswarden\n\
         StateDirectory=opswarden\n\
         StateDirectoryMode=0750\n\
         LogsDirectory=opswarden\n\
         LogsDirectoryMode=0750\n\
         # The agent ends itself at its own deadline; this is for one that cannot.\n\
         TimeoutStartSec={}\n",
        spec.summary,
        timeout_seconds(spec)
    )
}

/// The timer with the agent's default schedule.
///
/// # Errors
///
/// The schedule has a form that systemd cannot keep.
pub fn timer(spec: &Spec) -> Result<String, NoTimer> {
    let name = &spec.name;
    Ok(format!(
        "# Derived from the code by scripts/sync; change it with `systemctl edit opswarden-{name}.timer`.\n\
         [Unit]\n\
         Description=opswarden {name}, {}\n\
         \n\
         [Timer]\n\
         OnCalendar={}\n\
         AccuracySec=1s\n\
         # A slot that passed while the machine was off is made up for.\n\
         Persistent=true\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        spec.cron,
        on_calendar(spec.cron)?
    ))
}

/// Four fifths of the interval is the agent's own deadline, at most two hours; the unit waits a little longer.
fn timeout_seconds(spec: &Spec) -> u64 {
    const LONGEST: u64 = 2 * 60 * 60;
    const GRACE: u64 = 30;
    let interval = spec
        .cron
        .parse::<crate::domain::schedule::Schedule>()
        .map_or(LONGEST, |schedule| schedule.period(jiff::Timestamp::UNIX_EPOCH).as_secs());
    (interval * 4 / 5).min(LONGEST) + GRACE
}

/// `cron`, five fields in UTC, as a calendar expression of systemd. Only forms that mean the same in both are
/// converted.
///
/// # Errors
///
/// The form means something else in systemd, or has no form there.
pub fn on_calendar(cron: &str) -> Result<String, NoTimer> {
    let no = |why: String| NoTimer { cron: cron.to_owned(), why };
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(no(format!("it has {} fields, not five", fields.len())));
    };
    if *day != "*" && *weekday != "*" {
        return Err(no("cron takes either day, systemd wants both to match".to_owned()));
    }
    let weekday = weekdays(weekday).map_err(no)?;
    let month = field(month, 1, 12).map_err(no)?;
    let day = field(day, 1, 31).map_err(no)?;
    let hour = field(hour, 0, 23).map_err(no)?;
    let minute = field(minute, 0, 59).map_err(no)?;
    Ok(format!("{weekday}*-{month}-{day} {hour}:{minute}:00 UTC"))
}

/// `*`, numbers, ranges, steps and lists of them.
fn field(text: &str, least: u8, most: u8) -> Result<String, String> {
    if text == "*" {
        return Ok("*".to_owned());
    }
    let parts: Result<Vec<String>, String> =
        text.split(',').map(|part| one(part, least, most)).collect();
    Ok(parts?.join(","))
}

fn one(part: &str, least: u8, most: u8) -> Result<String, String> {
    let number = |text: &str| match text.parse::<u8>() {
        Ok(number) if (least..=most).contains(&number) => Ok(format!("{number:02}")),
        _ => Err(format!("`{text}` is not a number from {least} to {most}")),
    };
    let (range, step) = match part.split_once('/') {
        None => (part, None),
        Some((range, step)) => match step.parse::<u8>() {
            Ok(step) if step > 0 => (range, Some(step)),
            _ => return Err(format!("`{step}` is not a step")),
        },
    };
    let step_text = step.map(|step| format!("/{step}")).unwrap_or_default();
    let listed = |from: u8, to: u8, step: u8| {
        let every = (from..=to).step_by(usize::from(step.max(1)));
        every.map(|value| format!("{value:02}")).collect::<Vec<_>>().join(",")
    };
    match range.split_once('-') {
        // systemd loses the first slot after a step that does not come out even: such steps are spelled out.
        Some((from, to)) if let Some(step) = step => {
            let bound = |text: &str| number(text).and_then(|text| text.parse().map_err(|_| text));
            Ok(listed(bound(from)?, bound(to)?, step))
        }
        None if range == "*"
            && step.is_some_and(|step| !(most - least + 1).is_multiple_of(step)) =>
        {
            Ok(listed(least, most, step.unwrap_or(1)))
        }
        Some((from, to)) => Ok(format!("{}..{}{step_text}", number(from)?, number(to)?)),
        None if range == "*" && step.is_some() => Ok(format!("{least:02}{step_text}")),
        None if range == "*" => Err("`*` in a list means every value".to_owned()),
        None if step.is_some() => Err(format!("`{part}` has a step without a range")),
        None => number(range),
    }
}

fn weekdays(text: &str) -> Result<String, String> {
    const NAMES: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    if text == "*" {
        return Ok(String::new());
    }
    let name = |day: &str| {
        let by_number = day.parse::<usize>().ok().and_then(|number| NAMES.get(number));
        let by_name = NAMES.iter().find(|name| name.eq_ignore_ascii_case(day));
        by_number.or(by_name).ok_or(format!("`{day}` is not a day of the week"))
    };
    let part = |part: &str| match part.split_once('-') {
        // systemd's week starts on Monday; a range that starts on Sunday would be refused there.
        Some((from, _)) if name(from)? == &"Sun" => {
            Err("a range of days that starts on Sunday; list the days".to_owned())
        }
        Some((from, to)) => Ok(format!("{}..{}", name(from)?, name(to)?)),
        None => Ok((*name(part)?).to_owned()),
    };
    let days: Result<Vec<String>, String> = text.split(',').map(part).collect();
    Ok(format!("{} ", days?.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_mean_the_same_are_converted() {
        for (cron, calendar) in [
            ("*/5 * * * *", "*-*-* *:00/5:00 UTC"),
            ("0 3 * * *", "*-*-* 03:00:00 UTC"),
            ("15,45 8-18/2 * * 1-5", "Mon..Fri *-*-* 08,10,12,14,16,18:15,45:00 UTC"),
            ("*/31 */7 * * *", "*-*-* 00,07,14,21:00,31:00 UTC"),
            ("0 0 1 */3 *", "*-01/3-01 00:00:00 UTC"),
            ("0 0 * * 0,wed", "Sun,Wed *-*-* 00:00:00 UTC"),
        ] {
            assert_eq!(on_calendar(cron).as_deref(), Ok(calendar), "{cron}");
        }
    }

    #[test]
    fn a_form_that_would_mean_something_else_is_refused_with_its_reason() {
        for (cron, why) in [
            ("0 0 1 * 1", "either day"),
            ("* * * *", "4 fields"),
            ("60 * * * *", "from 0 to 59"),
            ("5/15 * * * *", "without a range"),
            ("*/0 * * * *", "not a step"),
            ("0 0 L * *", "not a number"),
            ("0 0 * * 0-3", "list the days"),
            ("0 0 * * mo", "day of the week"),
        ] {
            let shown = on_calendar(cron).unwrap_err().to_string();
            assert!(shown.contains(why), "{cron}: {shown}");
        }
    }
}
