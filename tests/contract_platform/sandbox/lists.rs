//! Lists, details, thumbnails, storage and single rows are what the sandbox's own rows say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::domain::platform::{
    ContentDetail, ContentRow, Dialect, DisplayRow, GroupRow, Listing, PlaylistRow, RowKind,
    RowRef, ScheduleRow, Wanted, Zone,
};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use serde_json::{Value, json};

use super::ground::{DIALECTS, Ground, TENANT, account, options};
use super::raw::Raw;

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A word of our own as it is written.
fn word(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// A listing is whole, and its rows are exactly these.
fn whole<'a, R>(
    listing: &'a Listing<R>,
    rows: &'a BTreeMap<String, Value>,
    id: impl Fn(&R) -> &str,
) -> impl Iterator<Item = (&'a R, &'a Value)> {
    assert_eq!(listing.cut_short, None);
    assert_eq!(usize::try_from(listing.total).unwrap(), rows.len());
    let found: Vec<&str> = listing.items.iter().map(&id).collect();
    assert_eq!(found, rows.keys().map(String::as_str).collect::<Vec<_>>());
    listing.items.iter().zip(rows.values())
}

fn same_display(ours: &DisplayRow, row: &Value) {
    assert_eq!(ours.name, row["nickname"]);
    assert_eq!(ours.location, text(&row["location"]));
    assert_eq!(word(ours.status), row["status"]);
    assert_eq!(ours.zone, text(&row["timezone"]));
    assert_eq!(ours.last_heartbeat, moment(&row["lastHeartbeat"]));
    assert_eq!(ours.disabled, row["isDisabled"]);
    assert_eq!(ours.playlist, text(&row["currentPlaylistId"]));
    assert_eq!(ours.paired_at, moment(&row["pairedAt"]));
    assert_eq!(ours.unpaired_at, moment(&row["unpairedAt"]));
}

fn same_content(ours: &ContentRow, row: &Value) {
    assert_eq!((&json!(ours.name), &json!(ours.kind)), (&row["name"], &row["type"]));
    assert_eq!(word(ours.status), row["status"]);
    assert_eq!(ours.thumbnail, text(&row["thumbnailUrl"]));
    assert_eq!(ours.size_bytes, row["fileSize"].as_u64());
    assert_eq!(Some(ours.created_at), moment(&row["createdAt"]));
    assert_eq!(Some(ours.updated_at), moment(&row["updatedAt"]));
}

fn same_detail(ours: &ContentDetail, row: &Value) {
    assert_eq!(ours.expires_at, moment(&row["expiresAt"]));
    assert_eq!(ours.replacement, text(&row["replacementContentId"]));
    assert_eq!(ours.previous_version, text(&row["previousVersionId"]));
    assert_eq!(ours.global, row["isGlobal"]);
    let zones = row["metadata"]["zones"].as_array().into_iter().flatten();
    let named: Vec<Zone> = zones
        .flat_map(|zone| {
            [
                text(&zone["playlistId"]).map(Zone::Playlist),
                text(&zone["contentId"]).map(Zone::Content),
                text(&zone["widgetId"]).map(Zone::Widget),
            ]
        })
        .flatten()
        .collect();
    assert_eq!(ours.zones, named);
}

fn same_playlist(ours: &PlaylistRow, row: &Value) {
    assert_eq!(ours.name, row["name"]);
    let items = row["items"].as_array().unwrap();
    assert_eq!(ours.items.len(), items.len());
    for (item, row) in ours.items.iter().zip(items) {
        assert_eq!(item.content, row["contentId"]);
        assert_eq!(word(item.status), row["content"]["status"]);
        assert_eq!(item.layout, row["content"]["type"] == "layout");
    }
}

fn same_schedule(ours: &ScheduleRow, row: &Value, flag: &str) {
    assert_eq!(ours.name, row["name"]);
    assert_eq!(Some(ours.starts_at), moment(&row["startDate"]));
    assert_eq!(ours.ends_at, moment(&row["endDate"]));
    assert_eq!(
        (json!(ours.from_minute), json!(ours.to_minute)),
        (row["startTime"].clone(), row["endTime"].clone())
    );
    assert_eq!(json!(ours.days), row["daysOfWeek"]);
    assert_eq!(
        (json!(ours.priority), json!(ours.active)),
        (row["priority"].clone(), row[flag].clone())
    );
    assert_eq!(ours.playlist, text(&row["playlistId"]));
    assert_eq!(ours.display, text(&row["displayId"]));
    assert_eq!(ours.group, text(&row["displayGroupId"]));
}

fn same_group(ours: &GroupRow, row: &Value) {
    let members = row["displays"].as_array().unwrap().iter();
    let members: Vec<String> = members.filter_map(|member| text(&member["displayId"])).collect();
    assert_eq!((&ours.name, &ours.displays), (&text(&row["name"]).unwrap(), &members));
}

const fn flag(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Vizora => "isActive",
        Dialect::Reference => "active",
    }
}

#[tokio::test]
async fn every_list_is_whole_and_says_what_the_rows_say() {
    for dialect in DIALECTS {
        let ground = Ground::of(dialect);
        let (client, raw) = (&ground.client, ground.raw().await);
        let rows = raw.rows("/displays").await;
        let listing = client.displays(TENANT).await.unwrap();
        whole(&listing, &rows, |row| &row.id).for_each(|(ours, row)| same_display(ours, row));
        let rows = raw.rows("/content").await;
        let listing = client.content(TENANT).await.unwrap();
        whole(&listing, &rows, |row| &row.id).for_each(|(ours, row)| same_content(ours, row));
        let rows = raw.rows("/content/layouts").await;
        let listing = client.layouts(TENANT).await.unwrap();
        whole(&listing, &rows, |row| &row.0).for_each(|(ours, row)| same_detail(&ours.1, row));
        let rows = raw.rows("/playlists").await;
        let listing = client.playlists(TENANT).await.unwrap();
        whole(&listing, &rows, |row| &row.id).for_each(|(ours, row)| same_playlist(ours, row));
        let rows = raw.rows("/schedules").await;
        let listing = client.schedules(TENANT).await.unwrap();
        whole(&listing, &rows, |row| &row.id)
            .for_each(|(ours, row)| same_schedule(ours, row, flag(dialect)));
        let rows = raw.rows("/display-groups").await;
        let listing = client.groups(TENANT).await.unwrap();
        whole(&listing, &rows, |row| &row.id).for_each(|(ours, row)| same_group(ours, row));
        let told = match dialect {
            Dialect::Vizora => raw.get("/organizations/storage").await,
            Dialect::Reference => raw.get("/health").await["storage"].clone(),
        };
        let storage = client.storage(TENANT).await.unwrap();
        assert_eq!(
            json!([storage.used_bytes, storage.quota_bytes]),
            json!([told["usedBytes"], told["quotaBytes"]])
        );
        raw.leave().await;
        ground.end().await;
    }
}

async fn wanted(ground: &Ground) -> Vec<Wanted> {
    let rows = ground.client.content(TENANT).await.unwrap().items;
    rows.into_iter().map(|row| Wanted { id: row.id, updated_at: row.updated_at }).collect()
}

#[tokio::test]
async fn every_detail_and_every_thumbnail_is_known() {
    for dialect in DIALECTS {
        let ground = Ground::of(dialect);
        let raw = ground.raw().await;
        let wanted = wanted(&ground).await;
        let details = ground.client.details(TENANT, &wanted).await.unwrap();
        assert_eq!(
            (details.cut_short, details.gone, details.known.len()),
            (None, BTreeSet::new(), 170)
        );
        for (id, detail) in &details.known {
            same_detail(detail, &raw.get(&format!("/content/{id}")).await);
        }
        let rows = ground.client.content(TENANT).await.unwrap().items;
        let pictures: Vec<(Wanted, String)> = rows
            .into_iter()
            .filter_map(|row| {
                Some((Wanted { id: row.id, updated_at: row.updated_at }, row.thumbnail?))
            })
            .collect();
        let looks = ground.client.thumbnails(TENANT, &pictures).await.unwrap();
        let answered = looks.answered.into_values().next().unwrap();
        assert_eq!((looks.cut_short, answered.len()), (None, pictures.len()));
        let dead: BTreeSet<String> =
            answered.into_iter().filter(|(_, well)| !well).map(|(id, _)| id).collect();
        let truth = ground.running.truth().into_iter();
        let planted = truth.filter(|entry| entry.check == "thumbnail_dead");
        let planted: BTreeSet<String> =
            planted.map(|entry| entry.subject.split_once('/').unwrap().1.to_owned()).collect();
        assert!(!planted.is_empty() && planted == dead, "{planted:?} {dead:?}");
        raw.leave().await;
        ground.end().await;
    }
}

#[tokio::test]
async fn a_single_row_is_the_row_of_the_list_and_no_row_is_none() {
    for dialect in DIALECTS {
        for schedule_detail in [false, true] {
            let options = opswarden::sandbox::Options { schedule_detail, ..options(dialect) };
            let ground = Ground::with(options, dialect, |_| {});
            ground.running.expect_unknown_route("GET /api/v1/schedules/c000000000000000000000000");
            let client = &ground.client;
            let display = client.displays(TENANT).await.unwrap().items.remove(3);
            assert_eq!(client.display(TENANT, &display.id).await.unwrap(), Some(display));
            let schedule = client.schedules(TENANT).await.unwrap().items.remove(3);
            ground.running.expect_unknown_route(&format!("GET /api/v1/schedules/{}", schedule.id));
            assert_eq!(client.schedule(TENANT, &schedule.id).await.unwrap(), Some(schedule));
            let content = client.content(TENANT).await.unwrap().items.remove(3);
            let (row, _, playlists) =
                client.one_content(TENANT, &content.id).await.unwrap().unwrap();
            assert_eq!(row, content);
            let holders = client.playlists(TENANT).await.unwrap().items.into_iter();
            let holders =
                holders.filter(|list| list.items.iter().any(|item| item.content == row.id));
            assert_eq!(playlists, holders.map(|list| list.id).collect::<Vec<_>>());
            let none = "c000000000000000000000000";
            assert_eq!(client.schedule(TENANT, none).await.unwrap(), None);
            assert_eq!(client.one_content(TENANT, none).await.unwrap(), None);
            let no_display = "00000000-0000-4000-8000-000000000000";
            assert_eq!(client.display(TENANT, no_display).await.unwrap(), None);
            for (kind, id) in [
                (RowKind::Content, none),
                (RowKind::Display, no_display),
                (RowKind::Schedule, none),
            ] {
                assert_eq!(client.read(&RowRef::new(kind, TENANT, id)).await.unwrap(), None);
            }
            ground.end().await;
        }
    }
}

/// Whatever is written to a piece of content, a later look shows it: the list says that it was written.
#[tokio::test]
async fn no_detail_is_believed_after_a_write() {
    for dialect in DIALECTS {
        let ground = Ground::of(dialect);
        let raw = ground.raw().await;
        let wanted_before = wanted(&ground).await;
        let before = ground.client.details(TENANT, &wanted_before).await.unwrap().known;
        let [one, other] = [0, 1].map(|at| wanted_before[at].id.clone());
        let path = format!("/content/{one}");
        let changes = [
            json!({ "expiresAt": "2027-03-01T00:00:00Z" }),
            json!({ "replacementContentId": other }),
            json!({ "replacementContentId": null }),
            json!({ "metadata": { "zones": [{ "id": "z", "contentId": other }] } }),
            json!({ "expiresAt": "2026-12-01T00:00:00Z", "name": "Renamed" }),
        ];
        for change in changes {
            ground.running.advance(Duration::from_secs(1));
            raw.patch(&path, change).await;
            let client = ground.again(|_| {});
            let rows = client.content(TENANT).await.unwrap().items;
            let row = rows.into_iter().find(|row| row.id == one).unwrap();
            let wanted = [Wanted { id: row.id, updated_at: row.updated_at }];
            let details = client.details(TENANT, &wanted).await.unwrap();
            same_detail(&details.known[&one], &raw.get(&path).await);
            assert_ne!(details.known[&one], before[&one]);
            assert_eq!(client.release().await, []);
        }
        assert!(!ground.running.take_effects().is_empty());
        raw.leave().await;
        ground.end().await;
    }
}

#[tokio::test]
async fn each_tenant_sees_its_own_rows_with_its_own_account() {
    let mut options = options(Dialect::Vizora);
    options.sizes.tenants = 2;
    let ground = Ground::with(options, Dialect::Vizora, |options| {
        options.tenants.push(account("tenant-2", "ops@tenant-2.example.test"));
    });
    let ids = async |tenant: &str| -> BTreeSet<String> {
        let rows = ground.client.displays(tenant).await.unwrap();
        assert_eq!(rows.cut_short, None);
        rows.items.into_iter().map(|row| row.id).collect()
    };
    let (one, two) = (ids(TENANT).await, ids("tenant-2").await);
    assert_eq!((one.len(), two.len(), one.intersection(&two).count()), (130, 130, 0));
    let foreign = one.first().unwrap();
    assert_eq!(ground.client.display("tenant-2", foreign).await.unwrap(), None);
    let raw = Raw::of(&ground.running, "ops@tenant-2.example.test").await;
    assert!(two.iter().eq(raw.rows("/displays").await.keys()));
    raw.leave().await;
    ground.end().await;
}
