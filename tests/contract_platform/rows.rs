//! Single rows: as they are now, gone, or not seen.

use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{Dialect, Field, RowKind, RowRef, Zone};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use serde_json::json;

use crate::model::{Model, World, content, display, schedule, time};
use crate::server::Reply;

fn tables() -> Model {
    Model::of("/displays", vec![display("d-1")])
        .and("/content", vec![content("c-1")])
        .and("/schedules", vec![schedule("s-1"), schedule("s-2")])
}

#[tokio::test]
async fn rows_are_read_with_the_fields_that_may_be_compared() {
    let world = World::of(tables()).await;
    let state = |kind, id| world.client.read(Box::leak(Box::new(RowRef::new(kind, "shop", id))));
    let found = state(RowKind::Content, "c-1").await.unwrap().unwrap();
    assert_eq!(found.name, "Content c-1");
    assert_eq!(found.field(Field::Status), Some("active"));
    assert_eq!(found.field(Field::ExpiresAt), Some("2030-01-01T00:00:00Z"));
    assert_eq!(found.field(Field::Playlists), Some("p-1"));
    assert_eq!(found.field(Field::Global), Some("false"));
    assert_eq!(found.field(Field::Replacement), None);
    assert_eq!(found.field(Field::UpdatedAt), Some("2026-01-20T15:40:52.918Z"));
    let found = state(RowKind::Display, "d-1").await.unwrap().unwrap();
    assert_eq!(found.field(Field::LastHeartbeat), Some("2026-01-20T15:40:52.918Z"));
    assert_eq!(found.field(Field::Disabled), Some("false"));
    assert!(found.fields.contains_key(&Field::CurrentPlaylist));
    let found = state(RowKind::Schedule, "s-1").await.unwrap().unwrap();
    assert_eq!(found.field(Field::Active), Some("true"));
    assert_eq!(found.field(Field::Display), Some("d-1"));
    assert!(found.fields.contains_key(&Field::Group) && found.fields.contains_key(&Field::EndDate));
    for (kind, id) in
        [(RowKind::Content, "c-9"), (RowKind::Display, "d-9"), (RowKind::Schedule, "s-9")]
    {
        assert_eq!(state(kind, id).await.unwrap(), None);
    }
    assert!(state(RowKind::Content, "../users").await.is_err());
    assert!(world.client.platform_now().is_some());
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn a_route_that_is_gone_is_not_a_row_that_is_gone() {
    let world = World::of(tables()).await;
    let drift = json!({ "message": "Cannot GET /api/v1/content/c-1", "statusCode": 404 });
    world.server.with(|model| {
        model.always.insert("GET /content/c-1".to_owned(), Reply::Json(404, drift));
    });
    assert!(world.client.one_content("shop", "c-1").await.is_err());
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn an_answer_about_another_row_is_blindness() {
    let world = World::of(tables()).await;
    let other = json!({ "success": true, "data": display("d-2") });
    world.server.with(|model| {
        model.always.insert("GET /displays/d-1".to_owned(), Reply::Json(200, other));
    });
    assert!(world.client.display("shop", "d-1").await.is_err());
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn schedules_without_a_route_of_their_own_share_a_list_until_something_is_sent_to_them() {
    let world = World::of(tables()).await;
    for id in ["s-1", "s-2", "s-1", "s-9"] {
        let found = world.client.schedule("shop", id).await.unwrap();
        assert_eq!(found.is_some(), id != "s-9");
    }
    assert_eq!(world.server.count("GET /schedules/s-1"), 1);
    assert_eq!(world.server.count("GET /schedules"), 2);
    let row = RowRef::new(RowKind::Schedule, "shop", "s-1");
    world.client.send(&Operation::DeactivateSchedule(row)).await.unwrap();
    assert!(world.client.schedule("shop", "s-2").await.unwrap().unwrap().active);
    assert_eq!(world.server.count("GET /schedules"), 2);
    assert!(!world.client.schedule("shop", "s-1").await.unwrap().unwrap().active);
    assert_eq!(world.server.count("GET /schedules"), 4);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn a_schedule_that_a_list_with_gaps_does_not_show_is_not_gone() {
    let world = World::of(tables()).await;
    let gap =
        json!({ "success": true, "data": { "data": [schedule("s-1")], "meta": { "total": 2 } } });
    world.server.with(|model| {
        model.always.insert("GET /schedules".to_owned(), Reply::Json(200, gap));
    });
    assert!(world.client.schedule("shop", "s-1").await.unwrap().is_some());
    assert!(world.client.schedule("shop", "s-2").await.is_err());
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn lists_of_the_reference_dialect_answer_for_single_looks() {
    let mut layout = content("c-2");
    layout["type"] = json!("layout");
    layout["metadata"] = json!({ "zones": [{ "playlistId": "p-7" }] });
    let model = Model::of("/content", vec![content("c-1"), layout.clone()])
        .and("/content/layouts", vec![layout]);
    let world = World::with(model, |options| options.dialect = Dialect::Reference).await;
    let listing = world.client.content("shop").await.unwrap();
    assert_eq!((listing.cut_short, listing.items.len()), (None, 2));
    let wanted: Vec<_> = listing.items.iter().map(crate::evidence::wanted_of).collect();
    let details = world.client.details("shop", &wanted).await.unwrap();
    assert_eq!(details.known.len(), 2);
    assert_eq!(details.known["c-1"].expires_at, Some(time("2030-01-01T00:00:00Z")));
    assert_eq!(world.server.count("GET /content/c-1"), 0);
    let layouts = world.client.layouts("shop").await.unwrap();
    assert_eq!(layouts.items[0].1.zones, [Zone::Playlist("p-7".to_owned())]);
    let stored = world.client.storage("shop").await.unwrap();
    assert_eq!((stored.used_bytes, stored.quota_bytes), (92, 100));
    assert_eq!(world.server.count("GET /health"), 1);
    assert_eq!(world.client.release().await, []);
}
