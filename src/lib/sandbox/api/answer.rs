//! The pipeline in front of every handler, in the platform's order: forged requests, the body, the route, throttles,
//! the session, the role, the subscription, the declared fields.

use serde_json::{Map, Value};

use super::auth;
use super::call::Call;
use super::fields::{checked, is_cuid, is_uuid};
use super::route::{Body, Entry, IdForm, Route};
use super::table::{PREFIX, find};
use crate::sandbox::model::session::{Closed, Who};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::{Options, Validation};
use crate::sandbox::serve::reply::{Asked, Reply};
use crate::sandbox::serve::shared::Inner;
use crate::sandbox::serve::throttle::too_many;
use crate::sandbox::time::Stamp;

/// A body above this is refused: 100 kB.
const LARGEST_BODY: usize = 102_400;

/// The moments of one request: on the sandbox's clock, and on the one that throttles count on.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Stamp,
    pub(crate) pace: i64,
}

/// Answers a request.
pub(crate) fn answer(inner: &mut Inner, options: &Options, asked: &Asked, at: Moment) -> Reply {
    let cookies = auth::csrf_headers(&mut inner.world, asked);
    let mut reply = piped(inner, options, asked, at).unwrap_or_else(|refusal| refusal);
    reply.headers.splice(0..0, cookies);
    reply
}

fn piped(inner: &mut Inner, options: &Options, asked: &Asked, at: Moment) -> Result<Reply, Reply> {
    if asked.path.starts_with(PREFIX) {
        auth::same_site(asked)?;
    }
    let body = parsed(asked, options.validation)?;
    if asked.method == "DELETE" {
        inner.world.effects.deletions.push(asked.path.clone());
    }
    let Some((route, params)) = find(options, &asked.method, &asked.path) else {
        let named = format!("{} {}", asked.method, asked.path);
        inner.world.effects.unknown.push(named);
        return Err(Reply::no_route(&asked.method, &asked.path));
    };
    let handler = format!("{} {}", route.method, route.pattern);
    let passage =
        inner.throttles.hit(options.throttle, &handler, &asked.peer, route.per_minute, at.pace);
    let with_headers = |mut reply: Reply| {
        reply.headers.extend(passage.headers.clone());
        reply
    };
    if passage.blocked {
        return Err(with_headers(too_many()));
    }
    if route.writes {
        inner.planted(options);
    }
    let run = || -> Result<Reply, Reply> {
        let who = admitted(inner, route, asked, at.now)?;
        let refuse = |complaints: Vec<String>| refusal(options.validation, complaints);
        identified(route, &params)?;
        let query = match route.query {
            Some(declared) => checked(&queried(&asked.query), declared).map_err(refuse)?,
            None => Map::new(),
        };
        let body = match (route.body, body) {
            (Body::Fields(declared), Value::Object(given)) => {
                Value::Object(checked(&given, declared).map_err(refuse)?)
            }
            (Body::Fields(_), _) => Value::Object(Map::new()),
            (Body::Free | Body::Ignored, body) => body,
        };
        let world = &mut inner.world;
        let mut call = Call { world, options, asked, route, params, query, body, who, now: at.now };
        let reply = (route.run)(&mut call);
        Ok(if reply.status == 200 { reply.with_status(route.status) } else { reply })
    };
    Ok(with_headers(run().unwrap_or_else(|refusal| refusal)))
}

/// The body as a document: an empty object where there is none, or none that says it is JSON.
fn parsed(asked: &Asked, validation: Validation) -> Result<Value, Reply> {
    if asked.body.is_empty() || !asked.is_json {
        return Ok(Value::Object(Map::new()));
    }
    if asked.body.len() > LARGEST_BODY {
        let message = match validation {
            Validation::Development => "request entity too large",
            Validation::Production => "Internal server error",
        };
        return Err(Reply::failure(message));
    }
    let document: Result<Value, _> = serde_json::from_slice(&asked.body);
    match document {
        Ok(document @ (Value::Object(_) | Value::Array(_))) => Ok(document),
        Ok(_) | Err(_) => {
            Err(Reply::error(400, "Expected property name or '}' in JSON at position 1"))
        }
    }
}

/// Whose session it is, where the route wants one and lets it pass.
fn admitted(
    inner: &mut Inner,
    route: &Route,
    asked: &Asked,
    now: Stamp,
) -> Result<Option<Who>, Reply> {
    let token = asked.cookie(auth::AUTH_COOKIE).or(asked.bearer());
    let opened = token.map_or(Err(Closed::Unknown), |token| inner.world.sessions.open(token, now));
    if route.entry == Entry::Public {
        return Ok(opened.ok());
    }
    let who = opened.map_err(|closed| match closed {
        Closed::Unknown => Reply::bare(401, "Unauthorized"),
        Closed::Revoked => Reply::error(401, "Token has been revoked"),
    })?;
    let user = inner.world.user(who);
    match route.entry {
        Entry::Roles(roles) if !roles.contains(&user.role) => {
            let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            let names = names.join(", ");
            let message = format!("Insufficient permissions. Required roles: {names}");
            return Err(Reply::error(403, message));
        }
        Entry::Super if !user.is_super => {
            return Err(Reply::error(403, "Super admin access required"));
        }
        _ => {}
    }
    subscribed(route, &inner.world.tenants[who.tenant])?;
    Ok(Some(who))
}

fn subscribed(route: &Route, tenant: &Tenant) -> Result<(), Reply> {
    let state = tenant.organisation.subscription.as_str();
    let writes = ["active", "past_due", "publish_locked", "trial"].contains(&state);
    let publishes = !["publish_locked", "suspended"].contains(&state);
    if route.writes && !writes {
        let message = "Your subscription is inactive. Please renew it to make changes.";
        return Err(Reply::error(403, message));
    }
    if route.publishes && !publishes {
        return Err(Reply::error(403, "Publishing is locked for this organization."));
    }
    Ok(())
}

fn identified(route: &Route, params: &[&str]) -> Result<(), Reply> {
    let fits = |id: &&str| match route.id {
        IdForm::Free => true,
        IdForm::Uuid => is_uuid(id),
        IdForm::Any => is_uuid(id) || is_cuid(id),
    };
    if params.iter().all(fits) {
        return Ok(());
    }
    let form = match route.id {
        IdForm::Uuid => "uuid is expected",
        IdForm::Free | IdForm::Any => "valid ID expected — UUID or CUID format",
    };
    Err(Reply::error(400, format!("Validation failed ({form})")))
}

/// A refusal that names the fields, or not.
pub(super) fn refusal(validation: Validation, complaints: Vec<String>) -> Reply {
    match validation {
        Validation::Development => Reply::error(400, complaints),
        Validation::Production => Reply::bare(400, "Bad Request"),
    }
}

/// The fields of a query, with their escapes undone.
fn queried(query: &str) -> Map<String, Value> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    split.map(|(name, value)| (unescaped(name), Value::String(unescaped(value)))).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap_or(b'2'), rest.next().unwrap_or(b'5')];
                let digits = std::str::from_utf8(&digits).unwrap_or("25");
                bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'%'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A refusal of the production kind for a single complaint that a handler raises itself.
pub(super) fn complaint(call: &Call<'_>, what: &str) -> Reply {
    refusal(call.options.validation, vec![what.to_owned()])
}

/// Whether a body gave nothing at all.
pub(super) fn is_bare(body: &Value) -> bool {
    body.as_object().is_none_or(Map::is_empty)
}
