//! Every operation arrives as the act that it is in this dialect, once, and its inverse gives back what it took.

use std::time::Duration;

use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{Dialect, Field, RowKind, RowRef, RowState};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use opswarden::ports::processes::ActFailure;
use opswarden::sandbox::{Act, Effect};

use super::ground::{DIALECTS, EMAIL, Ground, TENANT, account, options};

/// A row that the truth names for a check.
fn planted(ground: &Ground, check: &str, kind: RowKind) -> RowRef {
    let truth = ground.running.truth();
    let entry = truth.iter().find(|entry| entry.check == check).unwrap();
    RowRef::new(kind, TENANT, entry.subject.split_once('/').unwrap().1)
}

/// The method, the route, and what is done.
type Arrival = (&'static str, &'static str, String);

/// An operation with its inverse, and how each arrives.
struct Case {
    there: (Operation, Arrival),
    back: (Operation, Arrival),
}

fn arrives(method: &'static str, route: &'static str, what: &str) -> Arrival {
    (method, route, what.to_owned())
}

async fn cases(ground: &Ground, dialect: Dialect) -> Vec<Case> {
    let content = planted(ground, "content_orphaned", RowKind::Content);
    let schedule = planted(ground, "schedule_ended", RowKind::Schedule);
    let display = planted(ground, "coverage_gap", RowKind::Display);
    let shown = ground.client.display(TENANT, &display.id).await.unwrap().unwrap().playlist;
    let fallback = ground.running.accounts()[0].fallback_playlist.clone();
    let (archive, restore) = match dialect {
        Dialect::Vizora => (("POST", "/content/:id/archive"), ("POST", "/content/:id/restore")),
        Dialect::Reference => (("PATCH", "/content/:id"), ("PATCH", "/content/:id")),
    };
    let assign =
        |playlist: Option<String>| Operation::AssignPlaylist { display: display.clone(), playlist };
    vec![
        Case {
            back: (
                Operation::RestoreContent { content: content.clone(), status: "active".to_owned() },
                arrives(restore.0, restore.1, "restore content"),
            ),
            there: (
                Operation::ArchiveContent(content),
                arrives(archive.0, archive.1, "archive content"),
            ),
        },
        Case {
            there: (
                Operation::DeactivateSchedule(schedule.clone()),
                arrives("PATCH", "/schedules/:id", "deactivate schedule"),
            ),
            back: (
                Operation::ActivateSchedule(schedule),
                arrives("PATCH", "/schedules/:id", "activate schedule"),
            ),
        },
        Case {
            there: (
                assign(Some(fallback.clone())),
                arrives("PATCH", "/displays/:id", &format!("assign playlist {fallback}")),
            ),
            back: {
                let what = match &shown {
                    Some(playlist) => format!("assign playlist {playlist}"),
                    None => "clear playlist".to_owned(),
                };
                (assign(shown), arrives("PATCH", "/displays/:id", &what))
            },
        },
    ]
}

fn target(operation: &Operation) -> RowRef {
    match operation.target() {
        opswarden::domain::operation::Target::Row(row) => row.clone(),
        opswarden::domain::operation::Target::Process(_)
        | opswarden::domain::operation::Target::Data(_) => unreachable!("rows only here"),
    }
}

/// Sends, and asserts that exactly this arrived; nothing where the dialect cannot say it.
async fn sent(ground: &Ground, operation: &Operation, arrival: Option<&Arrival>) -> Option<Effect> {
    let result = ground.client.send(operation).await;
    let mut effects = ground.running.take_effects();
    let Some((method, route, what)) = arrival else {
        let no = matches!(result, Err(ActFailure::Refused(_) | ActFailure::NotSent(_)));
        assert!(no, "{operation}: {result:?}");
        assert_eq!(effects, [], "{operation}");
        return None;
    };
    assert!(result.is_ok(), "{operation}: {result:?}");
    assert_eq!(effects.len(), 1, "{operation}: {effects:?}");
    let effect = effects.remove(0);
    assert_eq!(effect.act, Act::new(method, route, &target(operation).id, what));
    assert!(effect.applied && effect.account == EMAIL && effect.tenant == TENANT, "{effect:?}");
    Some(effect)
}

/// A row's fields, those aside that move by themselves.
async fn fields(ground: &Ground, row: &RowRef) -> RowState {
    let mut state = ground.client.read(row).await.unwrap().unwrap();
    state.fields.retain(|field, _| *field != Field::UpdatedAt);
    state
}

#[tokio::test]
async fn an_operation_arrives_as_one_act_and_its_inverse_takes_it_back() {
    for dialect in DIALECTS {
        let ground = Ground::of(dialect);
        for Case { there, back } in cases(&ground, dialect).await {
            let row = target(&there.0);
            if row.kind == RowKind::Schedule {
                let named = format!("GET /api/v1/schedules/{}", row.id);
                ground.running.expect_unknown_route(&named);
            }
            let before = fields(&ground, &row).await;
            let effect = sent(&ground, &there.0, Some(&there.1)).await.unwrap();
            assert!(!effect.undoes);
            let after = fields(&ground, &row).await;
            assert_eq!(before.changes(&after).len(), 1, "{}: {before:?} {after:?}", there.0);
            let effect = sent(&ground, &back.0, Some(&back.1)).await.unwrap();
            assert!(effect.undoes, "{effect:?}");
            assert_eq!(fields(&ground, &row).await, before);
        }
        assert!(ground.running.score(&[]).wrong_acts.is_empty());
        ground.end().await;
    }
}

#[tokio::test]
async fn a_status_comes_back_exactly_where_the_dialect_can_say_it() {
    for dialect in DIALECTS {
        let ground = Ground::of(dialect);
        let content = planted(&ground, "content_orphaned", RowKind::Content);
        let draft = Operation::RestoreContent { content, status: "draft".to_owned() };
        let arrival = match dialect {
            Dialect::Vizora => None,
            Dialect::Reference => Some(arrives("PATCH", "/content/:id", "set status draft")),
        };
        sent(&ground, &draft, arrival.as_ref()).await;
        ground.end().await;
    }
}

#[tokio::test]
async fn a_display_is_reset_reloaded_and_pinged_as_far_as_the_dialect_goes() {
    for dialect in DIALECTS {
        let ground = Ground::of(dialect);
        let error = planted(&ground, "display_error", RowKind::Display);
        let reset = arrives("PATCH", "/displays/:id", "reset display");
        sent(&ground, &Operation::ResetDisplay(error.clone()), Some(&reset)).await;
        let status = match dialect {
            Dialect::Vizora => "offline",
            Dialect::Reference => "inactive",
        };
        assert_eq!(fields(&ground, &error).await.field(Field::Status), Some(status));
        ground.running.advance(Duration::from_secs(20));
        assert_eq!(fields(&ground, &error).await.field(Field::Status), Some("online"));
        let reload = match dialect {
            Dialect::Vizora => Some(arrives("POST", "/fleet/commands", "reload display")),
            Dialect::Reference => None,
        };
        sent(&ground, &Operation::ReloadDisplay(error.clone()), reload.as_ref()).await;
        let ping = match dialect {
            Dialect::Vizora => None,
            Dialect::Reference => Some(arrives("SEND", "/realtime", "ping display")),
        };
        sent(&ground, &Operation::PingDisplay(error), ping.as_ref()).await;
        ground.end().await;
    }
}

#[tokio::test]
async fn a_ping_that_was_delivered_brings_a_display_back_and_a_deaf_one_is_a_refusal() {
    for all_deaf in [false, true] {
        let options = opswarden::sandbox::Options { all_deaf, ..options(Dialect::Reference) };
        let ground = Ground::with(options, Dialect::Reference, |_| {});
        let truth = ground.running.truth().into_iter();
        let silent = truth.filter(|entry| entry.check == "display_offline");
        let mut pinged = Vec::new();
        for entry in silent {
            let id = entry.subject.split_once('/').unwrap().1;
            let row = RowRef::new(RowKind::Display, TENANT, id);
            let result = ground.client.send(&Operation::PingDisplay(row.clone())).await;
            assert!(!matches!(result, Err(ActFailure::Unknown(_))), "{result:?}");
            pinged.push((row, result.is_ok()));
        }
        ground.running.advance(Duration::from_secs(3));
        for (row, delivered) in &pinged {
            let status = if *delivered { "online" } else { "offline" };
            assert_eq!(fields(&ground, row).await.field(Field::Status), Some(status));
        }
        let delivered = pinged.iter().filter(|(_, delivered)| *delivered).count();
        assert_eq!(delivered > 0, !all_deaf);
        assert!(!ground.running.take_effects().is_empty());
        ground.end().await;
    }
}

#[tokio::test]
async fn accounts_that_must_not_write_send_nothing_and_say_why() {
    for (email, word) in [
        ("viewer@example.test", "viewer"),
        ("inactive@example.test", "activate"),
        ("mfa@example.test", "second factor"),
        ("enrol@example.test", "second factor"),
    ] {
        let ground = Ground::with(options(Dialect::Vizora), Dialect::Vizora, |options| {
            options.tenants = vec![account(TENANT, email)];
        });
        let content = planted(&ground, "content_orphaned", RowKind::Content);
        sent(&ground, &Operation::ArchiveContent(content), None).await;
        let standing = format!("{:?}", ground.client.standing());
        assert!(standing.contains("Unfit") && standing.contains(word), "{email}: {standing}");
        ground.end().await;
    }
}

#[tokio::test]
async fn a_row_that_is_gone_and_a_lapsed_subscription_are_refusals() {
    let ground = Ground::of(Dialect::Vizora);
    let gone = RowRef::new(RowKind::Content, TENANT, "c000000000000000000000000");
    sent(&ground, &Operation::ArchiveContent(gone), None).await;
    ground.running.set_subscription(TENANT, "canceled");
    let content = planted(&ground, "content_orphaned", RowKind::Content);
    sent(&ground, &Operation::ArchiveContent(content), None).await;
    ground.end().await;
}
