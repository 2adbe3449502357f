//! A walk says that it is whole only when it saw every row.

use std::collections::BTreeSet;

use opswarden::domain::platform::{DisplayRow, Listing};
use opswarden::domain::sight::Sight;
use opswarden::ports::platform::Platform as _;
use serde_json::{Value, json};

use crate::model::{Model, World, display, displays};
use crate::server::Reply;

fn ids(listing: &Listing<DisplayRow>) -> Vec<&str> {
    listing.items.iter().map(|row| row.id.as_str()).collect()
}

async fn walked(model: Model) -> Sight<Listing<DisplayRow>> {
    let world = World::of(model).await;
    let listing = world.client.displays("shop").await;
    assert_eq!(world.client.release().await, []);
    listing
}

#[tokio::test]
async fn every_page_is_read_and_the_first_one_twice() {
    let world = World::of(Model::of("/displays", displays(250))).await;
    let listing = world.client.displays("shop").await.unwrap();
    assert_eq!((listing.cut_short, listing.total, listing.items.len()), (None, 250, 250));
    assert!(listing.items.is_sorted_by(|one, another| one.id < another.id));
    assert_eq!(world.server.count("GET /displays"), 4);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn an_empty_tenant_is_whole() {
    let listing = walked(Model::of("/displays", Vec::new())).await.unwrap();
    assert_eq!((listing.cut_short, listing.total, listing.items), (None, 0, Vec::new()));
}

#[tokio::test]
async fn rows_that_tie_are_found_in_a_second_pass() {
    let model = Model { ties: Some(100), ..Model::of("/displays", displays(300)) };
    let listing = walked(model).await.unwrap();
    assert_eq!((listing.cut_short.as_deref(), ids(&listing).len()), (None, 300));
}

#[tokio::test]
async fn a_row_deleted_between_two_pages_hides_no_other() {
    let mut model = Model::of("/displays", displays(150));
    let mut once = true;
    model.meddle = Some(Box::new(move |tables, request| {
        if request.number("page") == Some(2) && std::mem::take(&mut once) {
            tables.get_mut("/displays").unwrap().remove(10);
        }
    }));
    let listing = walked(model).await.unwrap();
    assert_eq!((listing.cut_short.as_deref(), listing.total), (None, 149));
    assert!(ids(&listing).contains(&"d-00100"), "the row that slid to the first page is there");
}

#[tokio::test]
async fn a_row_that_came_for_one_that_went_is_noticed_though_the_number_is_the_same() {
    let mut model = Model::of("/displays", displays(150));
    let mut once = true;
    model.meddle = Some(Box::new(move |tables, request| {
        if request.number("page") == Some(2) && std::mem::take(&mut once) {
            let rows = tables.get_mut("/displays").unwrap();
            rows.remove(10);
            rows.insert(0, display("d-new"));
        }
    }));
    let listing = walked(model).await.unwrap();
    let found = ids(&listing);
    assert_eq!(listing.cut_short, None);
    assert!(found.contains(&"d-00100") && found.contains(&"d-new") && !found.contains(&"d-00010"));
}

/// Rows that change places are no trouble in themselves; what comes and goes in the pass after that is.
#[tokio::test]
async fn a_row_that_came_for_one_that_went_is_noticed_in_a_second_pass_too() {
    let mut model = Model::of("/displays", displays(150));
    let (mut swaps, mut shifts) = (true, true);
    model.meddle = Some(Box::new(move |tables, request| {
        if request.number("page") != Some(2) {
            return;
        }
        let rows = tables.get_mut("/displays").unwrap();
        if request.number("limit") == Some(100) && std::mem::take(&mut swaps) {
            rows.swap(20, 120);
            // The first page was read before, and lacks one of the two.
            rows.swap(99, 100);
        } else if request.number("limit") == Some(50) && std::mem::take(&mut shifts) {
            rows.remove(130);
            rows.insert(0, display("d-new"));
        }
    }));
    let listing = walked(model).await.unwrap();
    let found = ids(&listing);
    assert_eq!((listing.cut_short.as_deref(), found.len()), (None, 150));
    assert!(found.contains(&"d-new") && !found.contains(&"d-00130"));
}

/// Lists that are not sorted by age take new rows in anywhere, so that the first page tells nothing.
#[tokio::test]
async fn a_row_that_came_far_behind_for_one_that_went_is_noticed_too() {
    let mut model = Model::of("/displays", displays(350));
    let (mut read, mut once) = (BTreeSet::new(), true);
    model.meddle = Some(Box::new(move |tables, request| {
        let page = request.number("page").unwrap();
        if page == 3 && read.contains(&2) && std::mem::take(&mut once) {
            let rows = tables.get_mut("/displays").unwrap();
            rows.remove(150);
            let mut row = display("d-new");
            row["createdAt"] = json!(jiff::Timestamp::now().to_string());
            rows.insert(320, row);
        }
        read.insert(page);
    }));
    let listing = walked(model).await.unwrap();
    assert!(listing.cut_short.is_some() || ids(&listing).contains(&"d-00200"));
}

#[tokio::test]
async fn pages_that_hold_less_than_they_must_are_never_whole() {
    let short = json!({ "success": true, "data": { "data": displays(3),
        "meta": { "page": 1, "limit": 100, "total": 5 } } });
    let empty = json!({ "success": true, "data": { "data": [], "meta": { "total": 5 } } });
    let more = json!({ "success": true, "data": { "data": displays(7), "meta": { "total": 5 } } });
    for body in [short, empty, more] {
        let mut model = Model::default();
        model.always.insert("GET /displays".to_owned(), Reply::Json(200, body));
        let listing = walked(model).await.unwrap();
        let why = listing.cut_short.unwrap();
        assert!(why.contains('5'), "{why}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_understood_is_blindness_and_never_an_empty_list() {
    let bodies = [
        json!([]),
        json!({ "success": true, "data": [] }),
        json!({ "success": true, "data": { "items": [], "meta": { "total": 0 } } }),
        json!({ "success": true, "data": { "data": [] } }),
        json!({ "success": true, "data": { "data": [], "meta": { "total": "0" } } }),
        json!({ "success": true, "data": { "data": [{ "id": "d-1" }], "meta": { "total": 1 } } }),
        json!({ "data": { "data": [], "meta": { "total": 0 } } }),
        Value::Null,
    ];
    for body in bodies {
        let mut model = Model::default();
        model.always.insert("GET /displays".to_owned(), Reply::Json(200, body.clone()));
        let blind = walked(model).await.map(|listing| listing.total);
        assert!(blind.is_err(), "{body} was taken for a list");
    }
}

#[tokio::test]
async fn a_first_page_that_fails_is_blindness_and_a_later_one_cuts_short() {
    let broken = Reply::Json(500, json!({ "statusCode": 500, "message": "Internal server error" }));
    let mut model = Model::of("/displays", displays(250));
    model.always.insert("GET /displays".to_owned(), broken);
    let blind = walked(model).await.unwrap_err();
    assert_eq!(blind.why, "the platform answered 500");

    let model = Model { broken: Some(100..200), ..Model::of("/displays", displays(250)) };
    let listing = walked(model).await.unwrap();
    let why = listing.cut_short.unwrap();
    assert!(why.starts_with("150 of 250 rows were not read"), "{why}");
    assert_eq!(listing.items.len(), 100);
}

#[tokio::test]
async fn passing_trouble_is_asked_again() {
    let world = World::of(Model::of("/displays", displays(120))).await;
    world.server.with(|model| {
        model.then("GET /displays", Reply::Reset);
        model.then("GET /displays", Reply::Half(200));
    });
    let listing = world.client.displays("shop").await.unwrap();
    assert_eq!((listing.cut_short, listing.items.len()), (None, 120));
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn a_refusal_is_asked_once() {
    let world = World::of(Model::default()).await;
    let no =
        json!({ "message": "Insufficient permissions. Required roles: admin", "statusCode": 403 });
    world.server.with(|model| model.always.insert("GET /playlists".into(), Reply::Json(403, no)));
    let blind = world.client.playlists("shop").await.unwrap_err();
    assert!(blind.why.starts_with("the platform answered 403: Insufficient"), "{}", blind.why);
    assert_eq!(world.server.count("GET /playlists"), 1);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn nothing_is_asked_after_the_deadline() {
    let model = Model::of("/displays", displays(150));
    let world = World::with(model, |options| options.deadline = std::time::Duration::ZERO).await;
    assert!(world.client.displays("shop").await.is_err());
    assert!(world.server.log().is_empty());
}

/// A little chance, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Rows come and go anywhere while pages are read, also so that their number stays.
#[tokio::test]
async fn whole_means_every_row_that_was_there_all_the_time() {
    let mut whole = 0;
    for seed in 0..40 {
        let world = World::of(Model::of("/displays", displays(230))).await;
        let always: BTreeSet<String> = (0..230).map(|number| format!("d-{number:05}")).collect();
        let stayed = std::sync::Arc::new(std::sync::Mutex::new(always));
        let seen = std::sync::Arc::clone(&stayed);
        let mut dice = Dice(seed);
        let calm = dice.below(6);
        world.server.with(|model| {
            model.meddle = Some(Box::new(move |tables, request| {
                if dice.below(6) >= calm || request.number("limit") == Some(33) {
                    return;
                }
                let rows = tables.get_mut("/displays").unwrap();
                let went = rows.remove(dice.below(rows.len()));
                seen.lock().unwrap().remove(went["id"].as_str().unwrap());
                if dice.below(4) > 0 {
                    let mut row = display(&format!("n-{}", dice.below(1_000_000)));
                    row["createdAt"] = json!(jiff::Timestamp::now().to_string());
                    let at = if dice.below(2) == 0 { 0 } else { dice.below(rows.len()) };
                    rows.insert(at, row);
                }
            }));
        });
        let listing = world.client.displays("shop").await.unwrap();
        if listing.cut_short.is_none() {
            whole += 1;
            let found: BTreeSet<String> = listing.items.into_iter().map(|row| row.id).collect();
            let stayed = stayed.lock().unwrap();
            let missed: Vec<&String> = stayed.difference(&found).collect();
            assert!(missed.is_empty(), "seed {seed}: {missed:?}");
        }
        assert_eq!(world.client.release().await, []);
    }
    assert!(whole > 5, "only {whole} walks were whole");
}

/// The platform stumbles over one row, so that no page with that row in it is given.
#[tokio::test]
async fn a_row_that_breaks_its_page_hides_no_other() {
    let model = Model { broken: Some(137..138), ..Model::of("/displays", displays(250)) };
    let listing = walked(model).await.unwrap();
    let why = listing.cut_short.as_deref().unwrap();
    assert!(why.starts_with("1 of 250 rows were not read"), "{why}");
    let found = ids(&listing);
    assert_eq!(found.len(), 249);
    assert!(!found.contains(&"d-00137"));
}
