//! `[platform]`: where the platform is, how it is spoken to, and how fast. Without it the agents that tend the platform
//! are off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::platform::{is_in_clear, is_origin};
use crate::domain::duration::HumanDuration;
use crate::domain::platform::Dialect;

/// The platform that content, displays and schedules live on. Not set: there is none, and content-lifecycle, fleet-manager
/// and schedule-doctor are off. Accounts come from the environment: `VALIDATOR_EMAIL` and `VALIDATOR_PASSWORD` (or the same
/// with `_FILE`) for the tenant "default", with `_` and the tenant's name in capitals appended for another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformSettings {
    /// How it is spoken to: "vizora" or "reference".
    pub dialect: Dialect,
    /// Its API, without the path: the address of its web server.
    #[schemars(length(min = 1))]
    pub url: String,
    /// Its realtime gateway, which pings displays in the "reference" dialect. Empty: displays cannot be pinged.
    pub realtime: String,
    /// What addresses of thumbnails that begin with `/` are relative to. Empty: `url`.
    pub thumbnails: String,
    /// Whom else absolute addresses of thumbnails may be asked of, each like `https://cdn.example.test`. Tenants write these
    /// addresses; what leads neither there nor to `url` or `thumbnails` is not asked.
    pub thumbnail_origins: Vec<String>,
    /// How long what one look at a piece of content showed is believed while its list says that nothing was written since.
    pub evidence_age: HumanDuration,
    /// How fast requests may follow each other.
    pub limits: LimitSettings,
    /// The tenants, each with an account of its own.
    #[schemars(length(min = 1, max = 256))]
    pub tenants: Vec<TenantSettings>,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            dialect: Dialect::Vizora,
            url: "http://127.0.0.1:3000".to_owned(),
            realtime: String::new(),
            thumbnails: String::new(),
            thumbnail_origins: Vec::new(),
            evidence_age: HumanDuration::mins(24 * 60),
            limits: LimitSettings::default(),
            tenants: vec![TenantSettings::default()],
        }
    }
}

/// `[platform.limits]`: requests to one route, by all agents of this host together. 0: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// In any second. The platform allows 10.
    pub per_second: u32,
    /// In any minute. The platform allows 100.
    pub per_minute: u32,
    /// In any hour. The platform allows 1000.
    pub per_hour: u32,
    /// Sign-ins in any minute. The platform allows 5.
    pub sign_ins_per_minute: u32,
    /// To all routes together, in any second.
    pub total_per_second: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            per_second: 8,
            per_minute: 80,
            per_hour: 800,
            sign_ins_per_minute: 4,
            total_per_second: 10,
        }
    }
}

/// `[[platform.tenants]]`: one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// Its name in findings and in the environment.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { name: DEFAULT_TENANT.to_owned() }
    }
}

impl PlatformSettings {
    /// Problems that the types do not show: the setting below `platform`, and what to write instead.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let addresses = [
            ("url", &self.url, ["http://", "https://"], false),
            ("thumbnails", &self.thumbnails, ["http://", "https://"], true),
            ("realtime", &self.realtime, ["ws://", "wss://"], true),
        ];
        for (name, address, schemes, may_be_empty) in addresses {
            let fits = schemes
                .iter()
                .any(|scheme| address.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
            let left_out = may_be_empty && address.is_empty();
            if !fits && !left_out {
                let message = format!("`{address}` does not begin with {}", schemes.join(" or "));
                found.push((name.to_owned(), message));
            }
        }
        if self.url.trim_end_matches('/').ends_with("/api/v1") {
            let message =
                format!("`{}` has the path of the routes; write it without /api/v1", self.url);
            found.push(("url".to_owned(), message));
        }
        for (place, origin) in self.thumbnail_origins.iter().enumerate() {
            if !is_origin(origin) {
                let message =
                    format!("`{origin}` is no origin; write one like https://cdn.example.test");
                found.push((format!("thumbnail_origins[{place}]"), message));
            }
        }
        let mut names = std::collections::BTreeSet::new();
        for (place, tenant) in self.tenants.iter().enumerate() {
            let at = format!("tenants[{place}].name");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !tenant.name.chars().all(plain) {
                let message = format!("`{}` has more than a-z, 0-9 and -", tenant.name);
                found.push((at, message));
            } else if !names.insert(&tenant.name) {
                found.push((at, format!("there is another tenant called {}", tenant.name)));
            }
        }
        found
    }

    /// What works, and somebody should look at.
    pub(super) fn warnings(&self) -> Vec<(String, String)> {
        let in_clear = is_in_clear(&self.url).then(|| {
            let message =
                format!("passwords and tokens go to `{}` in clear text; write https://", self.url);
            ("url".to_owned(), message)
        });
        in_clear.into_iter().chain(self.too_many_tenants()).collect()
    }

    /// Every agent signs in to every tenant in each of its runs.
    fn too_many_tenants(&self) -> Option<(String, String)> {
        let wanted =
            u64::try_from(self.tenants.len()).unwrap_or(u64::MAX).saturating_mul(RUNS_AN_HOUR);
        let allowed = u64::from(self.limits.sign_ins_per_minute) * 60;
        (allowed > 0 && wanted > allowed).then(|| {
            let message = format!(
                "{} tenants take about {wanted} sign-ins an hour, and limits.sign_ins_per_minute allows {allowed}: some \
                 will not be seen in every run; raise it where the platform allows more, or let agents look less often",
                self.tenants.len()
            );
            ("tenants".to_owned(), message)
        })
    }
}

/// Runs of the three agents in an hour by default: every ten minutes, and twice every quarter of an hour.
const RUNS_AN_HOUR: u64 = 6 + 4 + 4;

const DEFAULT_TENANT: &str = "default";

/// The names of the environment that hold a tenant's account.
#[must_use]
pub fn account_names(tenant: &str) -> [String; 2] {
    ["VALIDATOR_EMAIL", "VALIDATOR_PASSWORD"].map(|name| {
        if tenant == DEFAULT_TENANT {
            name.to_owned()
        } else {
            format!("{name}_{}", tenant.to_uppercase().replace('-', "_"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_that_cannot_be_used_are_told() {
        assert_eq!(PlatformSettings::default().problems(), []);
        let tenant = |name: &str| TenantSettings { name: name.to_owned() };
        let wrong = PlatformSettings {
            url: "127.0.0.1:3000".to_owned(),
            realtime: "http://127.0.0.1".to_owned(),
            thumbnails: "ftp://x".to_owned(),
            thumbnail_origins: vec!["https://a".to_owned(), "https://a/b".to_owned()],
            tenants: vec![tenant("a"), tenant("A b"), tenant("a")],
            ..PlatformSettings::default()
        };
        let whole = PlatformSettings {
            url: "http://127.0.0.1:3000/api/v1/".to_owned(),
            ..PlatformSettings::default()
        };
        assert!(whole.problems()[0].1.contains("without /api/v1"));
        let paths: Vec<String> = wrong.problems().into_iter().map(|(path, _)| path).collect();
        let expected = [
            "url",
            "thumbnails",
            "realtime",
            "thumbnail_origins[1]",
            "tenants[1].name",
            "tenants[2].name",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn more_tenants_than_sign_ins_are_told_with_the_numbers() {
        let many = |count: usize, sign_ins_per_minute| {
            let tenant = |number| TenantSettings { name: format!("t{number}") };
            let limits = LimitSettings { sign_ins_per_minute, ..LimitSettings::default() };
            let tenants = (0..count).map(tenant).collect();
            PlatformSettings { limits, tenants, ..PlatformSettings::default() }.warnings()
        };
        assert_eq!(many(17, 4), []);
        let told = many(18, 4);
        assert!(told[0].1.contains("252") && told[0].1.contains("240"), "{told:?}");
        assert_eq!(many(200, 0), []);
    }

    #[test]
    fn a_further_tenant_has_names_of_its_own() {
        assert_eq!(account_names("default"), ["VALIDATOR_EMAIL", "VALIDATOR_PASSWORD"]);
        assert_eq!(account_names("north-1")[0], "VALIDATOR_EMAIL_NORTH_1");
    }
}
