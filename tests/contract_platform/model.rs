//! A model of the platform: accounts, sessions, tables. What the full sandbox does better is not done here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::platform::{Limits, PlatformClient, PlatformOptions, TenantOptions};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::platform::Dialect;
use opswarden::ports::clock::Clock;
use serde_json::{Value, json};

use crate::server::{Reply, Request, Server};

pub(crate) const EMAIL: &str = "warden@example.test";
pub(crate) const PASSWORD: &str = "canary-password-1";
/// Every token of the model begins so.
pub(crate) const TOKEN: &str = "canary-token";

type Meddle = Box<dyn FnMut(&mut BTreeMap<String, Vec<Value>>, &Request) + Send>;

/// The platform.
pub(crate) struct Model {
    pub(crate) log: Vec<Request>,
    pub(crate) role: &'static str,
    /// What sign-in answers instead, if so.
    pub(crate) sign_in: Option<Reply>,
    pub(crate) expires_in: u64,
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) refresh: BTreeSet<String>,
    pub(crate) made: u32,
    /// Rows by the path of their list, in the order in which they are listed.
    pub(crate) tables: BTreeMap<String, Vec<Value>>,
    /// What is answered next to such a question, instead of the truth.
    pub(crate) next: BTreeMap<String, VecDeque<Reply>>,
    /// Always, instead of the truth.
    pub(crate) always: BTreeMap<String, Reply>,
    /// What happens just before a list is read.
    pub(crate) meddle: Option<Meddle>,
    /// Rows that every page of this size repeats at its end, in the place of its own last one.
    pub(crate) ties: Option<usize>,
    /// A page with any of these rows, by their place in the list, is never answered well.
    pub(crate) broken: Option<Range<usize>>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            role: "manager",
            sign_in: None,
            expires_in: 1_800,
            tokens: BTreeSet::new(),
            refresh: BTreeSet::new(),
            made: 0,
            tables: BTreeMap::new(),
            next: BTreeMap::new(),
            always: BTreeMap::new(),
            meddle: None,
            ties: None,
            broken: None,
        }
    }
}

fn no(status: u16, message: &str) -> Reply {
    Reply::Json(status, json!({ "message": message, "statusCode": status }))
}

fn yes(status: u16, data: Value) -> Reply {
    Reply::Json(status, json!({ "success": true, "data": data }))
}

impl Model {
    pub(crate) fn of(path: &str, rows: Vec<Value>) -> Self {
        Self { tables: BTreeMap::from([(path.to_owned(), rows)]), ..Self::default() }
    }

    pub(crate) fn and(mut self, path: &str, rows: Vec<Value>) -> Self {
        self.tables.insert(path.to_owned(), rows);
        self
    }

    pub(crate) fn then(&mut self, asked: &str, reply: Reply) {
        self.next.entry(asked.to_owned()).or_default().push_back(reply);
    }

    /// Sessions that can still be refreshed.
    pub(crate) fn open_sessions(&self) -> usize {
        self.refresh.len()
    }

    /// No token of now is accepted any more.
    pub(crate) fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    pub(crate) fn answer(&mut self, request: Request) -> Reply {
        let asked = request.asked();
        self.log.push(request.clone());
        if let Some(reply) = self.next.get_mut(&asked).and_then(VecDeque::pop_front) {
            return reply;
        }
        if let Some(reply) = self.always.get(&asked) {
            return reply.clone();
        }
        if request.path.starts_with("/static/") {
            return no(404, "none");
        }
        if asked == "POST /auth/login" {
            return self.log_in(&request);
        }
        let bearer = request.bearer.clone().unwrap_or_default();
        if asked == "POST /auth/refresh" {
            return self.renew(&request);
        }
        if !self.tokens.contains(&bearer) {
            return no(401, "Unauthorized");
        }
        match asked.as_str() {
            "POST /auth/logout" => {
                self.tokens.remove(&bearer);
                if let Some(refresh) = refresh_cookie(&request) {
                    self.refresh.remove(&refresh);
                }
                Reply::Json(201, json!({ "success": true, "message": "Logged out successfully" }))
            }
            "GET /auth/me" => yes(200, json!({ "email": EMAIL })),
            "GET /organizations/storage" => {
                yes(200, json!({ "usedBytes": 92, "quotaBytes": 100, "usagePercent": 92 }))
            }
            "GET /health" => yes(
                200,
                json!({ "status": "ok", "storage": { "usedBytes": 92, "quotaBytes": 100 } }),
            ),
            "POST /fleet/commands" => yes(
                201,
                json!({ "devicesTargeted": 1, "devicesOnline": 0, "devicesQueued": 1,
                    "devicesDelivered": 0, "devicesFailed": 0 }),
            ),
            _ if self.tables.contains_key(&request.path) => self.list(&request),
            _ => self.row(&request),
        }
    }

    fn open(&mut self) -> (String, String) {
        self.made += 1;
        let (token, refresh) =
            (format!("{TOKEN}-a{}", self.made), format!("{TOKEN}-r{}", self.made));
        self.tokens.insert(token.clone());
        self.refresh.insert(refresh.clone());
        (token, refresh)
    }

    fn log_in(&mut self, request: &Request) -> Reply {
        if let Some(reply) = self.sign_in.clone() {
            if matches!(reply, Reply::Half(_) | Reply::Silence | Reply::Reset) {
                self.open();
            }
            return reply;
        }
        let account: Value = serde_json::from_str(&request.body).unwrap();
        if account["password"] != PASSWORD {
            return no(401, "Invalid email or password");
        }
        let (token, refresh) = self.open();
        let cookies = [
            ("Set-Cookie", format!("vizora_csrf_token={TOKEN}-c; Path=/")),
            ("Set-Cookie", format!("vizora_auth_token={token}; Path=/; HttpOnly")),
            ("Set-Cookie", format!("vizora_refresh_token={refresh}; Path=/; HttpOnly")),
        ];
        let data = json!({ "access_token": token, "expiresIn": self.expires_in,
            "user": { "email": EMAIL, "role": self.role } });
        Reply::With(201, cookies.into(), json!({ "success": true, "data": data }))
    }

    fn renew(&mut self, request: &Request) -> Reply {
        let known = refresh_cookie(request).is_some_and(|refresh| self.refresh.remove(&refresh));
        if !known {
            return no(401, "Invalid refresh token");
        }
        let (token, refresh) = self.open();
        let cookies = [
            ("Set-Cookie", format!("vizora_auth_token={token}; Path=/")),
            ("Set-Cookie", format!("vizora_refresh_token={refresh}; Path=/")),
        ];
        let data = json!({ "success": true, "data": { "expiresIn": 1_800 } });
        Reply::With(200, cookies.into(), data)
    }

    fn list(&mut self, request: &Request) -> Reply {
        if let Some(mut meddle) = self.meddle.take() {
            meddle(&mut self.tables, request);
            self.meddle = Some(meddle);
        }
        let (page, limit) = (request.number("page").unwrap(), request.number("limit").unwrap());
        if limit > 100 {
            return no(400, "limit must not be greater than 100");
        }
        let rows = &self.tables[&request.path];
        let from = ((page - 1) * limit).min(rows.len());
        let holds = |broken: &Range<usize>| from < broken.end && broken.start < from + limit;
        if self.broken.as_ref().is_some_and(holds) {
            return no(500, "Internal server error");
        }
        let mut shown = rows[from..(from + limit).min(rows.len())].to_vec();
        if self.ties == Some(limit) && page > 1 {
            shown.pop();
            shown.push(rows[0].clone());
        }
        let meta = json!({ "page": page, "limit": limit, "total": rows.len() });
        yes(200, json!({ "data": shown, "meta": meta }))
    }

    /// One row: read, or changed by the few rules that the client counts on.
    fn row(&mut self, request: &Request) -> Reply {
        let mut parts = request.path.rsplitn(2, '/');
        let (last, front) = (parts.next().unwrap(), parts.next().unwrap_or_default());
        let (table, id, act) = match last {
            "archive" | "restore" => {
                let (table, id) = front.rsplit_once('/').unwrap();
                (table.to_owned(), id.to_owned(), last)
            }
            id => (front.to_owned(), id.to_owned(), ""),
        };
        let asked = request.asked();
        let Some(rows) = self.tables.get_mut(&table) else {
            return no(404, &format!("Cannot {} /api/v1{}", request.verb, request.path));
        };
        if table == "/schedules" && request.verb == "GET" {
            return no(404, &format!("Cannot {asked}"));
        }
        let Some(row) = rows.iter_mut().find(|row| row["id"] == id.as_str()) else {
            return no(404, "Row not found");
        };
        match act {
            "archive" => row["status"] = json!("archived"),
            "restore" => row["status"] = json!("active"),
            _ if request.verb == "PATCH" => {
                let change: Value = serde_json::from_str(&request.body).unwrap();
                for (field, value) in change.as_object().unwrap() {
                    if row.get(field).is_none() {
                        return no(400, &format!("property {field} should not exist"));
                    }
                    row[field] = value.clone();
                }
            }
            _ => {}
        }
        yes(200, row.clone())
    }
}

fn refresh_cookie(request: &Request) -> Option<String> {
    let cookie = request.cookie.as_deref()?;
    assert!(!cookie.contains("vizora_auth_token"), "the auth cookie was sent");
    cookie.strip_prefix("vizora_refresh_token=").map(str::to_owned)
}

pub(crate) fn display(id: &str) -> Value {
    json!({ "id": id, "nickname": format!("Display {id}"), "location": "Hall", "status": "online",
        "timezone": "UTC", "lastHeartbeat": "2026-01-20T15:40:52.918Z", "isDisabled": false,
        "currentPlaylistId": null, "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-20T15:40:52.918Z", "pairedAt": null, "unpairedAt": null,
        "jwtToken": format!("{TOKEN}-jwt") })
}

pub(crate) fn content(id: &str) -> Value {
    json!({ "id": id, "name": format!("Content {id}"), "type": "image", "thumbnail": "/static/t.jpg",
        "fileSize": 1_000, "status": "active", "isGlobal": false, "metadata": {},
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-20T15:40:52.918Z",
        "expiresAt": "2030-01-01T00:00:00Z", "replacementContentId": null,
        "previousVersionId": null, "playlistItems": [{ "playlistId": "p-1" }] })
}

pub(crate) fn schedule(id: &str) -> Value {
    json!({ "id": id, "name": format!("Schedule {id}"), "startDate": "2026-01-01T00:00:00Z",
        "endDate": null, "startTime": 480, "endTime": 1_200, "daysOfWeek": [0, 1, 2, 3, 4, 5, 6],
        "priority": 1, "isActive": true, "createdAt": "2026-01-01T00:00:00Z", "playlistId": "p-1",
        "displayId": "d-1", "displayGroupId": null, "display": display("d-1") })
}

/// So many displays with ids that sort.
pub(crate) fn displays(count: usize) -> Vec<Value> {
    (0..count).map(|number| display(&format!("d-{number:05}"))).collect()
}

/// Options without limits, over the database in `folder`.
pub(crate) fn options(server: &Server, folder: &Path) -> PlatformOptions {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    PlatformOptions {
        dialect: Dialect::Vizora,
        url: server.url.clone(),
        realtime: String::new(),
        thumbnails: String::new(),
        thumbnail_origins: Vec::new(),
        tenants: vec![TenantOptions {
            name: "shop".to_owned(),
            email: EMAIL.to_owned(),
            password: PASSWORD.to_owned(),
            missing: None,
        }],
        limits: Limits::NONE,
        cache: folder.join("platform.db"),
        evidence_age: Duration::from_hours(24),
        run: "run-1".to_owned(),
        deadline: Duration::from_mins(1),
        clock,
        request_timeout: Duration::from_secs(5),
        interval: Duration::from_mins(15),
    }
}

/// A folder, a server with this model, and a client of it.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Server,
    pub(crate) client: PlatformClient,
}

impl World {
    pub(crate) async fn of(model: Model) -> Self {
        Self::with(model, |_| {}).await
    }

    pub(crate) async fn with(model: Model, change: impl FnOnce(&mut PlatformOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(model).await;
        let mut options = options(&server, folder.path());
        change(&mut options);
        let client = PlatformClient::new(options);
        Self { folder, server, client }
    }

    /// Another client of the same database.
    pub(crate) fn again(&self, change: impl FnOnce(&mut PlatformOptions)) -> PlatformClient {
        let mut options = options(&self.server, self.folder.path());
        "run-2".clone_into(&mut options.run);
        change(&mut options);
        PlatformClient::new(options)
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
