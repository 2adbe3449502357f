//! Answers of the platform's shape, with what must never be read in them.

use serde_json::{Value, json};

use super::*;
use crate::adapters::platform::dialect::table;
use crate::domain::platform::{Dialect, DisplayStatus};

fn read<R: Listed>(json: Value, dialect: Dialect) -> Result<R, String> {
    let wire = serde_json::from_value(json).map_err(|error| error.to_string())?;
    R::read(wire, table(dialect)).map(|seen| seen.row)
}

fn display() -> Value {
    json!({
        "id": "d-1", "organizationId": "o-1", "deviceIdentifier": "dev-1", "nickname": "Lobby",
        "location": "Store-01", "status": "online", "timezone": "Europe/Vienna",
        "lastHeartbeat": "2026-11-20T15:40:52.918Z", "isDisabled": false,
        "currentPlaylistId": "p-1", "createdAt": "2026-10-21T15:40:52.918Z",
        "updatedAt": "2026-11-20T15:40:52.918Z", "pairedAt": null, "unpairedAt": null,
        "jwtToken": "canary", "pairingCode": "canary", "tags": []
    })
}

fn full() -> Value {
    json!({
        "id": "c-1", "name": "Poster", "type": "layout", "url": "minio://x/y", "thumbnail": null,
        "fileSize": 101_000, "metadata": { "zones": [
            { "id": "z1", "playlistId": "p-1" }, { "id": "z2", "contentId": "c-2" },
            { "id": "z3", "widgetId": "w-1", "contentId": "" },
        ] },
        "status": "active", "isGlobal": true, "createdAt": "2026-10-10T15:40:52.918Z",
        "updatedAt": "2026-11-17T15:40:52.918Z", "expiresAt": "2026-11-20T13:40:52.918Z",
        "replacementContentId": "c-9", "previousVersionId": null,
        "playlistItems": [{ "playlistId": "p-2" }, { "playlistId": "p-1" }, { "playlistId": "p-2" }],
        "title": "Poster", "thumbnailUrl": "/static/1.jpg"
    })
}

fn schedule() -> Value {
    json!({
        "id": "s-1", "name": "Morning", "startDate": "2026-09-21T15:40:52.918Z", "endDate": null,
        "startTime": 480, "endTime": 1200, "daysOfWeek": [0, 6], "priority": 2, "isActive": true,
        "createdAt": "2026-09-21T15:40:52.918Z", "updatedAt": "2026-11-10T15:40:52.918Z",
        "playlistId": "p-1", "displayId": "d-1", "displayGroupId": null,
        "display": display(), "displayGroup": null
    })
}

fn without(mut row: Value, field: &str) -> Value {
    row.as_object_mut().unwrap().remove(field).unwrap();
    row
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

#[test]
fn a_display_is_read_and_nothing_of_its_tokens_is() {
    let row: DisplayRow = read(display(), Dialect::Vizora).unwrap();
    assert_eq!((row.name.as_str(), row.status), ("Lobby", DisplayStatus::Online));
    assert_eq!(row.playlist.as_deref(), Some("p-1"));
    assert!(!format!("{row:?}").contains("canary"));
    let nameless: DisplayRow =
        read(with(display(), "nickname", Value::Null), Dialect::Vizora).unwrap();
    assert_eq!(nameless.name, "d-1");
    let strange: DisplayRow =
        read(with(display(), "status", json!("melting")), Dialect::Vizora).unwrap();
    assert_eq!(strange.status, DisplayStatus::Unrecognised);
}

#[test]
fn a_row_that_lost_a_field_is_not_a_row_without_a_value() {
    for field in ["id", "status", "lastHeartbeat", "isDisabled", "currentPlaylistId", "createdAt"] {
        assert!(read::<DisplayRow>(without(display(), field), Dialect::Vizora).is_err(), "{field}");
    }
    for field in ["expiresAt", "replacementContentId", "previousVersionId", "isGlobal"] {
        assert!(read::<Full>(without(full(), field), Dialect::Vizora).is_err(), "{field}");
    }
    for field in ["endDate", "playlistId", "displayId", "displayGroupId", "isActive", "priority"] {
        assert!(
            read::<ScheduleRow>(without(schedule(), field), Dialect::Vizora).is_err(),
            "{field}"
        );
    }
}

#[test]
fn a_piece_of_content_is_read_with_its_zones_and_holders() {
    let full: Full = read(full(), Dialect::Vizora).unwrap();
    assert_eq!(full.playlists, ["p-1", "p-2"]);
    assert_eq!(full.row.thumbnail.as_deref(), Some("/static/1.jpg"));
    assert!(full.detail.global);
    let zones = [
        Zone::Playlist("p-1".to_owned()),
        Zone::Content("c-2".to_owned()),
        Zone::Widget("w-1".to_owned()),
    ];
    assert_eq!(full.detail.zones, zones);
}

#[test]
fn zones_that_are_not_understood_are_an_error_and_metadata_without_zones_is_none() {
    for metadata in
        [json!(null), json!({}), json!("x"), json!(3), json!([1, {}]), json!({ "zones": null })]
    {
        let row: Full = read(with(full(), "metadata", metadata), Dialect::Vizora).unwrap();
        assert_eq!(row.detail.zones, []);
    }
    assert!(read::<Full>(without(full(), "metadata"), Dialect::Vizora).is_ok());
    for zones in [json!("x"), json!({ "a": 1 }), json!([{ "contentId": 7 }]), json!([3])] {
        let row = with(full(), "metadata", json!({ "zones": zones }));
        assert!(read::<Full>(row, Dialect::Vizora).is_err());
    }
}

#[test]
fn a_schedule_tells_by_its_dialects_field_whether_it_is_in_force() {
    let vizora: ScheduleRow = read(schedule(), Dialect::Vizora).unwrap();
    assert!(vizora.active);
    assert!(read::<ScheduleRow>(schedule(), Dialect::Reference).is_err());
    let words = with(without(schedule(), "isActive"), "active", json!(false));
    let reference: ScheduleRow = read(words, Dialect::Reference).unwrap();
    assert!(!reference.active);
    assert_eq!((reference.from_minute, reference.days), (Some(480), vec![0, 6]));
    let text = with(schedule(), "isActive", json!("false"));
    assert!(read::<ScheduleRow>(text, Dialect::Vizora).is_err());
}

#[test]
fn a_playlist_is_in_order_and_a_group_has_its_members() {
    let content = |kind: &str| json!({ "id": "x", "type": kind, "status": "active" });
    let playlist = json!({
        "id": "p-1", "name": "P", "createdAt": "2026-10-11T15:40:52.918Z", "items": [
            { "contentId": "c-2", "order": 1, "content": content("layout") },
            { "contentId": "c-1", "order": 0, "content": content("image") },
            { "contentId": "c-3", "order": 2, "content": null },
        ]
    });
    let row: PlaylistRow = read(playlist, Dialect::Vizora).unwrap();
    let items: Vec<_> = row.items.iter().map(|item| (item.content.as_str(), item.layout)).collect();
    assert_eq!(items, [("c-1", false), ("c-2", true), ("c-3", false)]);
    assert_eq!(row.items[2].status, ContentStatus::Unrecognised);
    let group = json!({
        "id": "g-1", "name": "G", "createdAt": "2026-10-11T15:40:52.918Z",
        "displays": [{ "displayId": "d-1", "displayGroupId": "g-1" }], "_count": { "displays": 1 }
    });
    let row: GroupRow = read(group, Dialect::Vizora).unwrap();
    assert_eq!(row.displays, ["d-1"]);
}
