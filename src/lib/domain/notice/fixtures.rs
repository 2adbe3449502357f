//! What the tests of decisions start from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{About, Clocks, Kind, Notification, NotificationState, Rules, ToldFacts};
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::severity::{Environment, Priority, Severity};
use crate::domain::subject::Key;

/// The settings of a house in production, without routes.
pub(super) fn rules() -> Rules {
    Rules {
        environment: Environment::Production,
        host: "host-a".to_owned(),
        runbooks: String::new(),
        clocks: Clocks::Standard,
        digest_at: "08:00".parse().unwrap(),
        zone: "UTC".to_owned(),
        routes: Vec::new(),
        channels: BTreeMap::new(),
        maintenance: Vec::new(),
    }
}

/// That something was told at a moment, and arrived.
pub(super) fn sent(about: About, kind: Kind, told: ToldFacts, at: Timestamp) -> Notification {
    Notification {
        id: at.to_string(),
        route: "team".to_owned(),
        channel: "slack".to_owned(),
        about,
        kind,
        priority: Priority::P0,
        state: NotificationState::Sent,
        created_at: at,
        not_before: at,
        for_digest: false,
        caused_by: None,
        run: None,
        attempts: 1,
        doubts: 0,
        lease_until: None,
        message: None,
        thread: None,
        reference: None,
        alone: true,
        why: String::new(),
        outcome: None,
        told: Some(told),
        finished_at: Some(at),
    }
}

/// A service that is down since noon.
pub(super) fn incident(severity: Severity) -> Incident {
    let key: Key = "health-guardian/service_down/service:host-a/web".parse().unwrap();
    Incident {
        id: IncidentId(1),
        key,
        severity,
        message: "web is down".to_owned(),
        facts: BTreeMap::from([("why".to_owned(), "500".to_owned())]),
        opened_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
        last_operation: None,
        escalated: None,
        acknowledged: None,
        resolved: None,
    }
}
