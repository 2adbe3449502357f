//! Details and thumbnails: read once, believed while the list says that nothing was written, gone on with later.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opswarden::adapters::platform::Limits;
use opswarden::domain::platform::{ContentRow, Wanted};
use opswarden::ports::platform::Platform as _;
use serde_json::{Value, json};

use crate::model::{Model, World, content, time};
use crate::server::{Reply, Server};

pub(crate) fn wanted_of(row: &ContentRow) -> Wanted {
    Wanted { id: row.id.clone(), updated_at: row.updated_at }
}

fn wanted(count: usize) -> Vec<Wanted> {
    let updated_at = time("2026-01-20T15:40:52.918Z");
    (0..count).map(|number| Wanted { id: format!("c-{number:03}"), updated_at }).collect()
}

fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|number| content(&format!("c-{number:03}"))).collect()
}

fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.map(str::to_owned).into()
}

fn looks(world: &World) -> usize {
    let log = world.server.log();
    log.iter().filter(|request| request.path.starts_with("/content/")).count()
}

#[tokio::test]
async fn what_was_read_is_not_read_again_until_it_is_written_or_old() {
    let world = World::of(Model::of("/content", rows(20))).await;
    let mut asked = wanted(21);
    let details = world.client.details("shop", &asked).await.unwrap();
    assert_eq!((details.known.len(), details.cut_short), (20, None));
    assert_eq!(details.gone.iter().collect::<Vec<_>>(), ["c-020"]);
    assert_eq!(details.known["c-003"].expires_at, Some(time("2030-01-01T00:00:00Z")));
    assert_eq!(looks(&world), 21);
    asked.truncate(20);
    let later = world.again(|_| {});
    assert_eq!(
        later.details("shop", &asked).await.unwrap(),
        later.details("shop", &asked).await.unwrap()
    );
    assert_eq!(looks(&world), 21);
    asked[5].updated_at = time("2026-01-21T00:00:00Z");
    assert_eq!(later.details("shop", &asked).await.unwrap().known.len(), 20);
    assert_eq!(looks(&world), 22);
    let old = world.again(|options| options.evidence_age = Duration::ZERO);
    assert_eq!(old.details("shop", &asked[..3]).await.unwrap().known.len(), 3);
    assert_eq!(looks(&world), 25);
    for client in [world.client, later, old] {
        assert_eq!(client.release().await, []);
    }
}

#[tokio::test]
async fn what_limits_leave_is_read_by_later_runs_and_the_new_comes_first() {
    let limits = Limits { per_hour: 6, ..Limits::NONE };
    let world =
        World::with(Model::of("/content", rows(30)), |options| options.limits = limits).await;
    let asked = wanted(20);
    let details = world.client.details("shop", &asked).await.unwrap();
    assert_eq!(details.known.len(), 4);
    assert_eq!(
        details.cut_short.as_deref(),
        Some(
            "16 of 20 details are still unread: the limit of 4 per hour (the rest is kept for acts) \
             allows no more requests; the sweep is whole in about 16 more runs"
        )
    );
    assert!(details.known.keys().all(|id| asked[..4].iter().any(|wanted| wanted.id == *id)));
    // Without a limit and with everything aged: first what was never read.
    let again = world.again(|options| {
        options.evidence_age = Duration::ZERO;
        options.limits = Limits { per_hour: 26, ..Limits::NONE };
    });
    let details = again.details("shop", &asked).await.unwrap();
    assert_eq!(details.known.len(), 15);
    assert!(asked[..4].iter().all(|wanted| !details.known.contains_key(&wanted.id)));
    assert!(details.cut_short.unwrap().contains("never whole"));
    // What the sweeps left is there for a look at the single piece.
    assert!(again.one_content("shop", "c-000").await.unwrap().is_some());
    for client in [world.client, again] {
        assert_eq!(client.release().await, []);
    }
}

#[tokio::test]
async fn a_platform_that_is_not_well_is_left_alone_after_a_few_failures() {
    let world = World::of(Model::of("/content", rows(60))).await;
    world.server.with(|model| {
        for row in 0..60 {
            let broken = Reply::Json(500, json!({}));
            model.always.insert(format!("GET /content/c-{row:03}"), broken);
        }
    });
    let details = world.client.details("shop", &wanted(60)).await.unwrap();
    assert!(details.known.is_empty());
    assert!(details.cut_short.unwrap().starts_with("60 of 60 details are still unread"));
    assert!(looks(&world) < 60, "{}", looks(&world));
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn thumbnails_answer_or_do_not_and_hosts_see_no_token() {
    let mut model = Model::default();
    let mut says = |asked: &str, reply| {
        model.always.insert(asked.to_owned(), reply);
    };
    let plain = |status| Reply::Json(status, json!({}));
    let moved = |to: &str| Reply::With(302, vec![("Location", to.to_owned())], json!({}));
    says("HEAD /static/ok.jpg", plain(200));
    says("HEAD /static/gone.jpg", plain(404));
    says("HEAD /static/get.jpg", plain(405));
    says("GET /static/get.jpg", plain(206));
    says("HEAD /static/secret.jpg", plain(403));
    says("HEAD /static/moved.jpg", moved("/static/ok.jpg"));
    says("HEAD /static/away.jpg", moved("http://other.example.test/x.jpg"));
    let world = World::of(model).await;
    let addresses = [
        "/static/ok.jpg",
        "/static/gone.jpg",
        "/static/get.jpg",
        "/static/secret.jpg",
        "/static/moved.jpg",
        "/static/away.jpg",
        "data:image/png;base64,AAAA",
        "minio://bucket/x",
    ];
    let asked: Vec<(Wanted, String)> =
        wanted(8).into_iter().zip(addresses.map(str::to_owned)).collect();
    let found = world.client.thumbnails("shop", &asked).await.unwrap();
    assert_eq!(found.answered.keys().collect::<Vec<_>>(), [&world.server.url]);
    let answered = &found.answered[&world.server.url];
    let told: Vec<(&str, bool)> = answered.iter().map(|(id, well)| (id.as_str(), *well)).collect();
    let expected = [("c-000", true), ("c-001", false), ("c-002", true), ("c-004", true)];
    assert_eq!(told, expected);
    assert_eq!(found.inline.iter().collect::<Vec<_>>(), ["c-006"]);
    assert_eq!(found.foreign, BTreeMap::from([("minio:".to_owned(), ids(["c-007"]))]));
    assert!(found.cut_short.unwrap().starts_with("2 of 6 thumbnails are still unread"));
    assert!(world.server.log().iter().all(|request| request.bearer.is_none()));
    let before = world.server.log().len();
    let known: Vec<_> =
        asked.iter().filter(|(row, _)| answered.contains_key(&row.id)).cloned().collect();
    assert_eq!(world.client.thumbnails("shop", &known).await.unwrap().answered, found.answered);
    assert_eq!(world.server.log().len(), before);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn an_address_that_a_tenant_wrote_leads_nowhere_else() {
    let mut other = Model::default();
    other.always.insert("HEAD /secret".to_owned(), Reply::Json(200, json!({})));
    let other = Server::start(other).await;
    let mut model = Model::default();
    let moved = Reply::With(302, vec![("Location", format!("{}/secret", other.url))], json!({}));
    model.always.insert("HEAD /static/moved.jpg".to_owned(), moved);
    let world = World::of(model).await;
    let addresses = [format!("{}/secret", other.url), "/static/moved.jpg".to_owned()];
    let asked: Vec<(Wanted, String)> = wanted(2).into_iter().zip(addresses).collect();
    let found = world.client.thumbnails("shop", &asked).await.unwrap();
    assert_eq!(other.log().len(), 0, "nobody is asked whom only a tenant named");
    assert_eq!(found.foreign, BTreeMap::from([(other.url.clone(), ids(["c-000"]))]));
    assert!(found.answered.is_empty());
    let named = world.again(|options| options.thumbnail_origins = vec![other.url.clone()]);
    let found = named.thumbnails("shop", &asked).await.unwrap();
    assert_eq!(found.answered[&other.url], BTreeMap::from([("c-000".to_owned(), true)]));
    assert!(found.foreign.is_empty());
    assert_eq!(other.log().len(), 1, "and a redirect stays where it began");
    for client in [world.client, named] {
        assert_eq!(client.release().await, []);
    }
}

#[tokio::test]
async fn what_the_wrong_server_said_is_not_believed_of_the_right_one() {
    let mut right = Model::default();
    right.always.insert("HEAD /static/ok.jpg".to_owned(), Reply::Json(200, json!({})));
    let right = Server::start(right).await;
    let world = World::of(Model::default()).await;
    let asked: Vec<(Wanted, String)> =
        wanted(2).into_iter().map(|row| (row, "/static/ok.jpg".to_owned())).collect();
    let found = world.client.thumbnails("shop", &asked).await.unwrap();
    assert!(found.answered[&world.server.url].values().all(|answers| !answers));
    let mended = world.again(|options| options.thumbnails.clone_from(&right.url));
    let found = mended.thumbnails("shop", &asked).await.unwrap();
    assert_eq!(found.answered.keys().collect::<Vec<_>>(), [&right.url]);
    assert!(found.answered[&right.url].values().all(|answers| *answers));
    for client in [world.client, mended] {
        assert_eq!(client.release().await, []);
    }
}
