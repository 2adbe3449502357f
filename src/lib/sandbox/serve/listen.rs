//! The two listeners: the platform's address, and the realtime service's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use axum::routing::any;
use tokio::net::TcpListener;

use super::faults::{self, FaultKind, bent};
use super::line::{Gate, Line};
use super::reply::{Asked, Reply};
use super::shared::Shared;
use super::{control, gateway};
use crate::sandbox::api::{self, Moment};

/// More than any limit of the platform's own, and no more than memory bears.
const LARGEST: usize = 4 * 1024 * 1024;

/// Serves the platform's address until everything closes.
pub(crate) async fn platform(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new().fallback(any(asked_of_platform)).with_state(Arc::clone(&shared));
    serve(listener, router, shared).await;
}

/// Serves the realtime service's address until everything closes.
pub(crate) async fn realtime(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/realtime", any(gateway::open))
        .fallback(any(asked_of_realtime))
        .with_state(Arc::clone(&shared));
    serve(listener, router, shared).await;
}

async fn serve(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    let service = router.into_make_service_with_connect_info::<Line>();
    let server = axum::serve(Gate(listener), service);
    // The listener itself never fails; what a single connection does is its own affair.
    let _ended = server.with_graceful_shutdown(closed(shared)).await;
}

/// Waits until everything closes.
pub(crate) async fn closed(shared: Arc<Shared>) {
    let mut closing = shared.closing.clone();
    // Without a sender nobody will ever say so: that is the end as well.
    let _gone = closing.wait_for(|closing| *closing).await;
}

async fn asked_of_platform(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let asked = read(request, &line).await;
    tokio::select! {
        response = answered(&shared, &line, asked) => response,
        () = closed(Arc::clone(&shared)) => {
            line.cut();
            Response::new(Body::empty())
        }
    }
}

async fn asked_of_realtime(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let asked = read(request, &line).await;
    tokio::select! {
        response = answered_in_realtime(&shared, &line, asked) => response,
        () = closed(Arc::clone(&shared)) => {
            line.cut();
            Response::new(Body::empty())
        }
    }
}

/// Faults of the realtime service name its paths, as `GET /api/health/ready`.
async fn answered_in_realtime(shared: &Arc<Shared>, line: &Line, asked: Asked) -> Response<Body> {
    let faults = shared.lock().faults.strike(&asked.method, &asked.path);
    if let Some(response) = delayed(shared, line, &faults).await {
        return response;
    }
    let instead =
        faults.iter().find_map(|fault| faults::instead(fault, &asked.method, &asked.path, "Row"));
    let (began, now) = (shared.lock().world.began, shared.now());
    let reply =
        instead.unwrap_or_else(|| api::realtime_answer(&shared.options, &asked, began, now));
    finished(shared, &asked.method, bent(reply, &faults), &faults)
}

async fn read(request: Request, line: &Line) -> Asked {
    let (head, body) = request.into_parts();
    // A body that breaks off or is beyond all measure is judged by what arrived: nothing, or too much.
    let body =
        axum::body::to_bytes(body, LARGEST).await.unwrap_or_else(|_| vec![b' '; LARGEST].into());
    let word = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let cookies = word("cookie").unwrap_or_default();
    let cookies = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    Asked {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or("").to_owned(),
        authorization: word("authorization"),
        cookies: cookies.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        csrf: word("x-csrf-token"),
        internal_key: head.headers.contains_key("x-internal-api-key"),
        is_json: word("content-type").is_some_and(|kind| kind.contains("json")),
        peer: line.peer.clone(),
        body: body.into(),
    }
}

/// The route as throttles, faults and effects name it, and what its rows are called.
fn named(shared: &Shared, asked: &Asked) -> (String, &'static str) {
    api::find(&shared.options, &asked.method, &asked.path).map_or_else(
        || (asked.path.clone(), "Row"),
        |(route, _)| (route.pattern.to_owned(), route.row),
    )
}

async fn answered(shared: &Arc<Shared>, line: &Line, asked: Asked) -> Response<Body> {
    if asked.path.starts_with("/sandbox/") {
        let reply = control::answer(shared, &asked);
        return finished(shared, &asked.method, reply, &[]);
    }
    if asked.path.starts_with("/static/") {
        return pictured(shared, line, asked).await;
    }
    let (pattern, row) = named(shared, &asked);
    let faults = shared.lock().faults.strike(&asked.method, &pattern);
    if let Some(response) = delayed(shared, line, &faults).await {
        return response;
    }
    let instead =
        faults.iter().find_map(|fault| faults::instead(fault, &asked.method, &asked.path, row));
    let reply = instead.unwrap_or_else(|| modelled(shared, &asked, &faults));
    finished(shared, &asked.method, reply, &faults)
}

/// Faults of pictures name them all alike.
async fn pictured(shared: &Arc<Shared>, line: &Line, asked: Asked) -> Response<Body> {
    let faults = shared.lock().faults.strike(&asked.method, "/static/:file");
    if let Some(response) = delayed(shared, line, &faults).await {
        return response;
    }
    let instead =
        faults.iter().find_map(|fault| faults::instead(fault, &asked.method, &asked.path, "File"));
    let reply = instead.unwrap_or_else(|| control::thumbnail(shared, &asked));
    finished(shared, &asked.method, reply, &faults)
}

/// Waits, for ever where the fault says so; where the connection breaks there is nothing to answer.
pub(super) async fn delayed(
    shared: &Shared,
    line: &Line,
    faults: &[FaultKind],
) -> Option<Response<Body>> {
    let wait = shared.options.latency + faults::latency(faults);
    if !wait.is_zero() {
        shared.clock.sleep(wait).await;
    }
    if faults.contains(&FaultKind::Hang) {
        std::future::pending::<()>().await;
    }
    if faults.contains(&FaultKind::Reset) {
        line.cut();
        return Some(Response::new(Body::empty()));
    }
    None
}

/// The model's answer.
fn modelled(shared: &Shared, asked: &Asked, faults: &[FaultKind]) -> Reply {
    let at = Moment { now: shared.now(), pace: shared.clock.pace() };
    let mut inner = shared.lock();
    for fault in faults {
        match fault {
            FaultKind::TokenUses(uses) => inner.world.sessions.limit(Some(*uses)),
            FaultKind::ShiftingPages => inner.world.shift_rows(&asked.path, at.now),
            _ => {}
        }
    }
    let kept = faults.contains(&FaultKind::LyingWrite).then(|| inner.world.tenants.clone());
    inner.world.lies = kept.is_some();
    let reply = api::answer(&mut inner, &shared.options, asked, at);
    inner.world.lies = false;
    if let Some(kept) = kept {
        inner.world.tenants = kept;
    }
    bent(reply, faults)
}

/// The reply as the HTTP library takes it, with what goes wrong on its way.
pub(super) fn finished(
    shared: &Arc<Shared>,
    method: &str,
    reply: Reply,
    faults: &[FaultKind],
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = axum::http::StatusCode::from_u16(reply.status).unwrap_or_default();
    let headers = response.headers_mut();
    put(headers, "content-type", reply.kind);
    let date = shared.now().timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    put(headers, "date", &date);
    for (name, value) in &reply.headers {
        put(headers, &name.to_lowercase(), value);
    }
    let whole = Bytes::from(reply.body);
    let slow = faults.contains(&FaultKind::Drip);
    let half = faults.contains(&FaultKind::HalfBody);
    let body = if slow || half {
        put(response.headers_mut(), header::CONTENT_LENGTH.as_str(), &whole.len().to_string());
        in_parts(shared, whole, half)
    } else {
        Body::from(if method == "HEAD" { Bytes::new() } else { whole })
    };
    *response.body_mut() = body;
    response
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) =
        (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
    {
        headers.append(name, value);
    }
}

/// How long a dripping answer waits before each byte.
pub(super) const DRIP: Duration = Duration::from_secs(1);

/// A body that comes byte by byte, or breaks off in the middle.
fn in_parts(shared: &Arc<Shared>, whole: Bytes, half: bool) -> Body {
    let shared = Arc::clone(shared);
    let stream = futures_util::stream::unfold(0, move |at: usize| {
        let (shared, whole) = (Arc::clone(&shared), whole.clone());
        async move {
            if half {
                let part = whole.slice(..whole.len() / 2);
                let broken = Err(std::io::ErrorKind::ConnectionAborted.into());
                return match at {
                    0 => Some((Ok(part), 1)),
                    1 => {
                        // The first half must be on its way before the connection breaks.
                        shared.clock.sleep(Duration::from_millis(20)).await;
                        Some((broken, 2))
                    }
                    _ => None,
                };
            }
            if at >= whole.len() {
                return None;
            }
            tokio::select! {
                () = shared.clock.sleep(DRIP) => {}
                () = closed(Arc::clone(&shared)) => return None,
            }
            Some((Ok::<_, std::io::Error>(whole.slice(at..=at)), at + 1))
        }
    });
    Body::from_stream(stream)
}
