//! The accounts of a tenant: one that can do the work, and every kind that cannot.

use crate::sandbox::model::tenant::{Role, SecondFactor, User};
use crate::sandbox::seed::Seeded;
use crate::sandbox::time::{DAY, Stamp};

/// The domain of a tenant's addresses.
fn domain(number: usize) -> String {
    if number == 0 {
        "example.test".to_owned()
    } else {
        format!("tenant-{}.example.test", number + 1)
    }
}

pub(super) fn users(number: usize, seeded: &mut Seeded, now: Stamp) -> Vec<User> {
    let domain = domain(number);
    let mut user = |name: &'static str, role: Role| User {
        id: seeded.uuid(),
        email: format!("{name}@{domain}"),
        first_name: "Ops",
        role,
        is_active: true,
        is_super: false,
        second_factor: SecondFactor::None,
        created: now.minus(300 * DAY),
        last_login: None,
    };
    let mut users = vec![
        user("ops", Role::Admin),
        user("manager", Role::Manager),
        user("viewer", Role::Viewer),
        user("inactive", Role::Admin),
        user("mfa", Role::Admin),
        user("enrol", Role::Admin),
        user("super", Role::Admin),
    ];
    for user in &mut users {
        match user.email.split('@').next() {
            Some("inactive") => user.is_active = false,
            Some("mfa") => user.second_factor = SecondFactor::Asked,
            Some("enrol") => user.second_factor = SecondFactor::MustEnrol,
            Some("super") => user.is_super = true,
            _ => {}
        }
    }
    users
}
