//! Where the demo's messages arrive: a receiver on loopback that reads no more than their titles.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A receiver, until it is dropped.
pub(super) struct Inbox {
    url: String,
    titles: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Notice {
    title: String,
}

impl Inbox {
    /// Opens it on a free port.
    pub(super) async fn open() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("failed to open the inbox: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let url = format!("http://{}/", listener.local_addr().map_err(failed)?);
        let titles = Arc::new(Mutex::new(Vec::new()));
        let arrived = Arc::clone(&titles);
        let take = move |body: Bytes| async move {
            let read = serde_json::from_slice::<Notice>(&body);
            let title =
                read.map_or_else(|error| format!("not understood: {error}"), |one| one.title);
            arrived.lock().unwrap_or_else(PoisonError::into_inner).push(title);
        };
        let router = Router::new().route("/", post(take));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the inbox closed");
            }
        });
        Ok(Self { url, titles, server })
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What has arrived, in order.
    pub(super) fn titles(&self) -> Vec<String> {
        self.titles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
