//! What is wrong with how people are told, and what somebody should look at.

use std::collections::BTreeSet;

use super::notify::{ChannelKind, ChannelSettings, DASHBOARD, NotifySettings};
use super::secret::Given;
use crate::domain::nearest::nearest;
use crate::domain::notice::{Route, Template};

impl NotifySettings {
    /// What works, and somebody should look at: routes whose channel only the environment could give, and does not.
    pub(super) fn warnings(&self) -> Vec<(String, String)> {
        let is_there =
            |route: &Route| self.channels.iter().any(|channel| channel.name == route.channel);
        let homeless = self.routes.iter().enumerate().filter(|(_, route)| !is_there(route));
        let told = |(place, route): (usize, &Route)| {
            let message = format!(
                "nobody hears of what goes to `{}`: set SLACK_WEBHOOK_URL, or SMTP_HOST and OPS_ALERT_EMAIL",
                route.channel
            );
            (format!("routes[{place}].channel"), message)
        };
        homeless.map(told).chain(self.unfit_for_pagers()).collect()
    }

    /// That the environment begins to name mail, and does not end.
    pub(super) fn half_given(&self, given: &[Given]) -> Option<(String, String)> {
        let is_given = |name: &str| given.iter().any(|found| found.name == name);
        let is_mail = |channel: &ChannelSettings| channel.kind == ChannelKind::Email;
        if self.channels.iter().any(is_mail) {
            return None;
        }
        let (there, missing) = match (is_given("SMTP_HOST"), is_given("OPS_ALERT_EMAIL")) {
            (true, false) => ("SMTP_HOST", "OPS_ALERT_EMAIL"),
            (false, true) => ("OPS_ALERT_EMAIL", "SMTP_HOST"),
            (true, true) | (false, false) => return None,
        };
        let message = format!("nobody gets mail: {there} is set, and {missing} is not");
        Some(("channels".to_owned(), message))
    }

    /// What a pager would drop: no later message would end an alert of it.
    fn unfit_for_pagers(&self) -> impl Iterator<Item = (String, String)> {
        let is_pager = |name: &str| {
            let of = self.channels.iter().find(|channel| channel.name == name);
            of.is_some_and(|one| {
                one.kind == ChannelKind::Webhook && one.template == Template::Pagerduty
            })
        };
        let led = self.routes.iter().enumerate().filter(move |(_, one)| is_pager(&one.channel));
        led.flat_map(|(place, route)| {
            let digest = (route.digest, "digest", "shows no daily digest");
            let approvals = (route.approvals, "approvals", "shows no request for approval");
            let told = [digest, approvals].into_iter().filter(|(asked, _, _)| *asked);
            told.map(move |(_, field, what)| {
                let message = format!(
                    "a pager {what}, because nothing would end its alert; write {field} = false here, and lead it to another channel"
                );
                (format!("routes[{place}].{field}"), message)
            })
        })
    }

    /// Problems that the types do not show: the setting below `notify`, and what to write instead.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            found.push(("zone".to_owned(), format!("`{}` is not a time zone", self.zone)));
        }
        let mut names = BTreeSet::new();
        for (place, channel) in self.channels.iter().enumerate() {
            let at = |field: &str| format!("channels[{place}].{field}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if channel.name.is_empty() || !channel.name.chars().all(plain) {
                let message = format!("`{}` is no name of a-z, 0-9 and -", channel.name);
                found.push((at("name"), message));
            } else if channel.name == DASHBOARD || !names.insert(channel.name.as_str()) {
                let message = format!("there is another channel called {}", channel.name);
                found.push((at("name"), message));
            }
            if channel.kind == ChannelKind::SlackBot && channel.conversation.is_empty() {
                let message = "a Slack bot needs the id of a conversation, like C0123456789";
                found.push((at("conversation"), message.to_owned()));
            }
        }
        self.routes(&mut found);
        for (place, window) in self.maintenance.iter().enumerate() {
            let problem = window.problem();
            found.extend(problem.map(|why| (format!("maintenance[{place}]"), why)));
        }
        found
    }

    /// Names of agents and checks that nothing is called by: such a route would hear of nothing, and nobody of that.
    pub(super) fn strangers(&self, agents: &[&str], checks: &[&str]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut look = |at: String, what: &str, names: &[String], known: &[&str]| {
            for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
                let meant = nearest(name, known.iter().copied());
                let meant =
                    meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
                found.push((at.clone(), format!("there is no {what} `{name}`{meant}")));
            }
        };
        for (place, route) in self.routes.iter().enumerate() {
            look(format!("routes[{place}].agents"), "agent", &route.agents, agents);
            look(format!("routes[{place}].checks"), "check", &route.checks, checks);
        }
        for (place, window) in self.maintenance.iter().enumerate() {
            look(format!("maintenance[{place}].agents"), "agent", &window.agents, agents);
        }
        found
    }

    fn routes(&self, found: &mut Vec<(String, String)>) {
        let implied = ["slack", "email"];
        let known = |name: &str| {
            implied.contains(&name) || self.channels.iter().any(|channel| channel.name == name)
        };
        let mut names = BTreeSet::new();
        for (place, route) in self.routes.iter().enumerate() {
            let at = |field: &str| format!("routes[{place}].{field}");
            if route.name.is_empty() {
                found.push((at("name"), "a route needs a name".to_owned()));
            } else if !names.insert(route.name.as_str()) {
                found.push((at("name"), format!("there is another route called {}", route.name)));
            }
            if !known(&route.channel) {
                let message = format!("there is no channel called `{}`", route.channel);
                found.push((at("channel"), message));
            }
            for (number, window) in route.quiet.iter().enumerate() {
                let problem = window.problem();
                found.extend(problem.map(|why| (at(&format!("quiet[{number}]")), why)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::config::secret::Secret;
    use crate::domain::severity::Environment;

    #[test]
    fn a_route_to_a_channel_that_the_environment_does_not_give_is_told_and_asked_nothing() {
        let route = |name: &str, channel: &str| Route {
            name: name.to_owned(),
            channel: channel.to_owned(),
            ..Route::default()
        };
        let hook = ChannelSettings {
            name: "hook".to_owned(),
            kind: ChannelKind::Webhook,
            ..ChannelSettings::default()
        };
        let mut settings = NotifySettings {
            channels: vec![hook],
            routes: vec![route("a", "hook"), route("b", "slack")],
            ..NotifySettings::default()
        };
        assert_eq!(settings.problems(), []);
        settings.complete(&[]);
        let rules = settings.rules(Environment::Production, "host-a", false);
        let routes: Vec<&str> = rules.routes.iter().map(|route| route.name.as_str()).collect();
        assert_eq!(routes, ["a"]);
        let warnings = settings.warnings();
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].0, "routes[1].channel");
        assert!(warnings[0].1.contains("SLACK_WEBHOOK_URL"), "{warnings:?}");
    }

    #[test]
    fn a_pager_is_led_to_nothing_that_would_never_end() {
        let pager = ChannelSettings {
            name: "pager".to_owned(),
            kind: ChannelKind::Webhook,
            template: Template::Pagerduty,
            ..ChannelSettings::default()
        };
        let hook = ChannelSettings {
            name: "hook".to_owned(),
            template: Template::Generic,
            ..pager.clone()
        };
        let route = |channel: &str| Route {
            name: channel.to_owned(),
            channel: channel.to_owned(),
            status: true,
            digest: true,
            approvals: true,
            ..Route::default()
        };
        let settings = NotifySettings {
            channels: vec![hook, pager],
            routes: vec![route("hook"), route("pager")],
            ..NotifySettings::default()
        };
        let warned: Vec<String> = settings.warnings().into_iter().map(|(at, _)| at).collect();
        assert_eq!(warned, ["routes[1].digest", "routes[1].approvals"]);
    }

    #[test]
    fn a_name_that_nothing_is_called_by_is_an_error_and_what_was_meant_is_said() {
        let route = Route {
            agents: vec!["helth-guardian".to_owned()],
            checks: vec!["service_dwn".to_owned(), "service_down".to_owned()],
            ..Route::default()
        };
        let settings = NotifySettings { routes: vec![route], ..NotifySettings::default() };
        let found = settings.strangers(&["health-guardian"], &["service_down"]);
        let told: Vec<&str> = found.iter().map(|(_, message)| message.as_str()).collect();
        assert_eq!(
            told,
            [
                "there is no agent `helth-guardian`; did you mean `health-guardian`?",
                "there is no check `service_dwn`; did you mean `service_down`?"
            ]
        );
    }

    #[test]
    fn mail_that_is_named_by_half_is_warned_of() {
        let given = |name: &str| Given {
            name: name.to_owned(),
            by: name.to_owned(),
            value: Secret::new("x".to_owned()),
            hidden: false,
        };
        let settings = NotifySettings::default();
        assert_eq!(settings.half_given(&[]), None);
        let half = settings.half_given(&[given("SMTP_HOST")]).unwrap();
        assert_eq!(half.1, "nobody gets mail: SMTP_HOST is set, and OPS_ALERT_EMAIL is not");
        let whole = [given("SMTP_HOST"), given("OPS_ALERT_EMAIL")];
        assert_eq!(settings.half_given(&whole), None);
    }
}
