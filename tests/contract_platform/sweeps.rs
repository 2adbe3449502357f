//! Rows that can never be read hold nothing up: they wait behind all others, and a host that is gone stops no other.

use std::collections::BTreeSet;
use std::time::Duration;

use opswarden::domain::platform::Wanted;
use opswarden::ports::platform::Platform as _;
use serde_json::{Value, json};

use crate::model::{Model, World, content, time};
use crate::server::Reply;

/// More than are looked at at once, so that nothing else comes between them.
const BROKEN: usize = 12;
const ROWS: usize = 40;

fn wanted(count: usize) -> Vec<Wanted> {
    let updated_at = time("2026-01-20T15:40:52.918Z");
    (0..count).map(|number| Wanted { id: format!("c-{number:03}"), updated_at }).collect()
}

/// A platform on which the first details always answer 500.
async fn broken() -> World {
    let rows: Vec<Value> = (0..ROWS).map(|number| content(&format!("c-{number:03}"))).collect();
    let world = World::of(Model::of("/content", rows)).await;
    world.server.with(|model| {
        for row in 0..BROKEN {
            let answer = Reply::Json(500, json!({}));
            model.always.insert(format!("GET /content/c-{row:03}"), answer);
        }
    });
    world
}

#[tokio::test]
async fn rows_that_always_fail_wait_behind_all_others() {
    let world = broken().await;
    let asked = wanted(ROWS);
    let well: BTreeSet<&str> = asked[BROKEN..].iter().map(|row| row.id.as_str()).collect();
    let first = world.client.details("shop", &asked).await.unwrap();
    assert!(first.cut_short.is_some());
    let second = world.again(|_| {});
    let details = second.details("shop", &asked).await.unwrap();
    assert_eq!(details.known.keys().map(String::as_str).collect::<BTreeSet<_>>(), well);
    let why = details.cut_short.unwrap();
    assert_eq!(why, "12 of 40 details are still unread: the platform answered 500");
    // What is aged has its turn, too, whatever fails for ever.
    let before = world.server.log().len();
    let mut again = BTreeSet::new();
    for _ in 0..3 {
        let later = world.again(|options| options.evidence_age = Duration::ZERO);
        again.extend(later.details("shop", &asked).await.unwrap().known.into_keys());
        assert_eq!(later.release().await, []);
    }
    assert_eq!(again.iter().map(String::as_str).collect::<BTreeSet<_>>(), well);
    assert!(world.server.log().len() > before);
    for client in [world.client, second] {
        assert_eq!(client.release().await, []);
    }
}

#[tokio::test]
async fn a_row_that_failed_is_read_once_it_is_mended() {
    let world = broken().await;
    let asked = wanted(BROKEN);
    assert!(world.client.details("shop", &asked).await.unwrap().known.is_empty());
    world.server.with(|model| model.always.clear());
    let details = world.client.details("shop", &asked).await.unwrap();
    assert_eq!((details.known.len(), details.cut_short), (BROKEN, None));
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn a_host_of_thumbnails_that_is_gone_stops_no_look_at_another() {
    // Nobody listens there: the port was free a moment ago, and is again.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut model = Model::default();
    model.always.insert("HEAD /static/ok.jpg".to_owned(), Reply::Json(200, json!({})));
    let world = World::of(model).await;
    let address = |number: usize| match number {
        0..BROKEN => format!("http://{free}/{number}.jpg"),
        _ => "/static/ok.jpg".to_owned(),
    };
    let asked: Vec<(Wanted, String)> =
        wanted(ROWS).into_iter().enumerate().map(|(place, row)| (row, address(place))).collect();
    let client = world.again(|options| options.thumbnail_origins = vec![format!("http://{free}")]);
    let found = client.thumbnails("shop", &asked).await.unwrap();
    assert_eq!(found.answered[&world.server.url].len(), ROWS - BROKEN);
    let why = found.cut_short.unwrap();
    assert_eq!(why, "12 of 40 thumbnails are still unread: the connection was refused");
    assert_eq!(world.client.release().await, []);
}
