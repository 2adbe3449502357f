//! No secret of an account or of a row is in a message, a debug text or a file.

use std::sync::{Arc, Mutex};

use opswarden::adapters::platform::PlatformClient;
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{RowKind, RowRef};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use serde_json::json;

use crate::model::{EMAIL, Model, PASSWORD, TOKEN, World, content, display, schedule};
use crate::server::Reply;

fn clean(text: &str) {
    for secret in [PASSWORD, TOKEN, EMAIL] {
        assert!(!text.contains(secret), "{secret} is in: {text}");
    }
}

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn everything(client: &PlatformClient) -> String {
    let row = |kind, id: &str| RowRef::new(kind, "shop", id);
    let mut said = vec![format!("{client:?}")];
    said.push(format!("{:?}", client.displays("shop").await));
    said.push(format!("{:?}", client.schedules("shop").await));
    said.push(format!("{:?}", client.playlists("shop").await));
    said.push(format!("{:?}", client.one_content("shop", "c-1").await));
    said.push(format!("{:?}", client.schedule("shop", "s-1").await));
    said.push(format!("{:?}", client.read(&row(RowKind::Display, "d-1")).await));
    let archive = Operation::ArchiveContent(row(RowKind::Content, "c-1"));
    said.push(format!("{:?}", client.send(&archive).await));
    said.push(format!(
        "{:?}",
        client.send(&Operation::ResetDisplay(row(RowKind::Display, "d-1"))).await
    ));
    said.push(format!("{:?}", client.standing()));
    said.join("\n")
}

#[tokio::test]
async fn secrets_stay_where_they_are() {
    // With a single dispatcher alive, a place that logs is switched off for good where a test that listens to nothing
    // comes by it first. A second one makes all of them be asked.
    let _second =
        tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || sink.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let echo = format!("{EMAIL} may not with {TOKEN} and {PASSWORD}");
    let model = Model::of("/displays", vec![display("d-1")])
        .and("/content", vec![content("c-1")])
        .and("/schedules", vec![schedule("s-1")]);
    let world = World::of(model).await;
    let echoes = [
        Reply::Json(403, json!({ "message": format!("token={TOKEN} {PASSWORD} {EMAIL}") })),
        Reply::Json(500, json!({ "message": echo })),
        Reply::Json(
            200,
            json!({ "success": true, "data": { "data": [{ "id": 7, "jwtToken": TOKEN,
            "status": TOKEN }], "meta": { "total": TOKEN } } }),
        ),
        Reply::Half(200),
    ];
    let mut said = vec![everything(&world.client).await];
    for reply in echoes {
        world.server.with(|model| {
            for asked in
                ["GET /displays", "GET /schedules", "PATCH /displays/d-1", "GET /content/c-1"]
            {
                model.always.insert(asked.to_owned(), reply.clone());
            }
        });
        said.push(everything(&world.client).await);
    }
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        said.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    said.push(format!("{:?}", world.client.release().await));
    let refused = Reply::Json(401, json!({ "message": format!("{EMAIL}: Invalid {PASSWORD}") }));
    world.server.with(|model| model.sign_in = Some(refused));
    let other = world.again(|_| {});
    said.push(everything(&other).await);
    clean(&said.join("\n"));
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("route=\"/displays/:id\""), "{logged}");
    assert!(!logged.contains("d-1"), "an id was logged");
    clean(&logged);
}
