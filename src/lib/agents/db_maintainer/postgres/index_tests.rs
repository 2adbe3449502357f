//! What is concluded about indexes, without a server.

use std::time::Duration;

use super::super::DbMaintainer;
use super::super::checks::{INDEX_BLOATED, INDEX_INVALID, REBUILD_LEFT};
use super::settings::Limits;
use super::tests::{Case, index, look, now, said};
use crate::agent::Agent as _;
use crate::domain::operation::{DataKind, DataRef, Operation, Upkeep};
use crate::domain::run::Acted;
use crate::domain::upkeep::{BloatedIndex, DatabaseLook, Holder, InvalidIndex};

#[test]
fn two_indexes_are_built_anew_in_a_run_the_worst_first_and_none_of_them_again_so_soon() {
    let bloated =
        vec![index("a", 100, 60), index("b", 900, 100), index("c", 500, 100), index("d", 100, 99)];
    let mut case = Case::new(DatabaseLook { bloated, ..look() });
    let remedies = case.remedies(&INDEX_BLOATED);
    let built: Vec<_> = remedies.iter().filter(|(_, said)| said.starts_with("build")).collect();
    let built: Vec<&str> = built.into_iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(built, ["main/public.b", "main/public.c"], "{remedies:?}");
    assert_eq!(remedies.len(), 3, "one that holds what it takes is not bloated: {remedies:?}");
    let acted = |days: i64| Acted {
        operation: Operation::tend(
            Upkeep::ReindexIndex,
            DataRef::new(DataKind::Index, "main", "public.b"),
        ),
        at: now() - jiff::SignedDuration::from_hours(24 * days),
        target_lived: false,
    };
    case.recall.acted = vec![acted(9)];
    assert!(!case.remedies(&INDEX_BLOATED).iter().any(|(subject, _)| subject == "main/public.b"));
    case.recall.acted = vec![acted(11)];
    assert!(case.remedies(&INDEX_BLOATED).iter().any(|(subject, _)| subject == "main/public.b"));
}

#[test]
fn nothing_is_built_anew_while_a_transaction_lasts_that_a_rebuild_would_wait_for_in_vain() {
    let (name, owner) = ("orders".to_owned(), "app".to_owned());
    let prepared = |seconds| Holder::Prepared {
        name: name.clone(),
        owner: owner.clone(),
        since: Duration::from_secs(seconds),
        age: 1,
    };
    // Whether it holds row versions or only locks: a rebuild waits for both.
    let idle = |seconds| Holder::Idle {
        pid: 7,
        user: owner.clone(),
        application: String::new(),
        since: Duration::from_secs(seconds),
        age: None,
    };
    let waits = "left: not now: ";
    for (holder, expected) in [
        (idle(59), "build main/public.a anew"),
        (idle(60), waits),
        (prepared(59), "build main/public.a anew"),
        (prepared(60), waits),
    ] {
        let bloated = vec![index("a", 100, 60)];
        let case = Case::new(DatabaseLook { bloated, holders: vec![holder.clone()], ..look() });
        let remedies = case.remedies(&INDEX_BLOATED);
        assert!(said(&remedies)[0].starts_with(expected), "{holder:?}: {remedies:?}");
    }
}

#[test]
fn an_index_that_is_too_large_or_has_no_room_is_a_persons_and_takes_no_turn_of_the_others() {
    let cramped = BloatedIndex { lacks_room: true, ..index("e", 800, 100) };
    let bloated = vec![index("b", 5000, 100), index("c", 500, 100), index("d", 400, 100), cramped];
    let case = Case::new(DatabaseLook { bloated, ..look() });
    let built = case.remedies(&INDEX_BLOATED);
    assert!(said(&built).iter().all(|one| one.starts_with("build")), "{built:?}");
    assert_eq!(built.len(), 2, "{built:?}");
    let told = case.messages(&REBUILD_LEFT);
    assert!(told[0].contains("public.b") && told[0].contains("bloat_most_mib"), "{told:?}");
    assert!(told[1].contains("public.e") && told[1].contains("twice its size free"), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
    for (check, name) in [(&REBUILD_LEFT, "b"), (&INDEX_BLOATED, "c")] {
        let sql = format!("REINDEX INDEX CONCURRENTLY public.{name};");
        assert_eq!(case.facts(check)[0]["sql"], sql);
    }
}

#[test]
fn only_an_invalid_index_that_nobody_builds_and_no_constraint_needs_is_dropped() {
    let invalid = |being_built: bool, droppable: bool| InvalidIndex {
        name: "public.i".to_owned(),
        table: "public.orders".to_owned(),
        being_built,
        droppable,
    };
    let busy = || Some("another vacuum is at work".to_owned());
    let due = DatabaseLook { invalid: vec![invalid(false, true)], busy: busy(), ..look() };
    let remedies = Case::new(due).remedies(&INDEX_INVALID);
    assert_eq!(said(&remedies), ["left: not now: another vacuum is at work"]);
    for (index, expected) in [
        (invalid(false, true), Some("drop the invalid index main/public.i")),
        (invalid(true, true), None),
        (invalid(false, false), None),
    ] {
        let case = Case::new(DatabaseLook { invalid: vec![index], ..look() });
        assert_eq!(said(&case.remedies(&INDEX_INVALID)).first().copied(), expected);
        let is_left = !case.remedies(&REBUILD_LEFT).is_empty();
        assert_eq!(is_left, case.sight.is_ok_and(|look| !look.invalid[0].droppable));
    }
}

#[test]
fn limits_by_which_nothing_is_ever_built_anew_are_a_mistake() {
    let lints = |most| {
        let limits = Limits { bloat_least_mib: 16, bloat_most_mib: most, ..Limits::default() };
        let agent = DbMaintainer { limits, ..DbMaintainer::default() };
        agent.problems().into_iter().map(|one| one.path).collect::<Vec<_>>()
    };
    assert_eq!(lints(16), Vec::<String>::new());
    assert_eq!(lints(15), ["limits.bloat_most_mib"]);
}
