//! The platform as it answers on the line, tokens and all.

use opswarden::sandbox::PASSWORD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::world::World;

async fn asked(world: &World, head: &str, body: &str) -> Value {
    let address = world.sandbox.base_url();
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let text = format!(
        "{head}host: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

/// Every text under a member whose name holds `token`.
fn tokens(value: &Value, under: bool, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                tokens(member, name.to_lowercase().contains("token"), found);
            }
        }
        Value::Array(rows) => rows.iter().for_each(|row| tokens(row, under, found)),
        Value::String(text) if under && text.len() > 8 => found.push(text.clone()),
        _ => {}
    }
}

/// A session of a person with that account.
async fn session(world: &World, account: &str) -> String {
    let account = world.sandbox.accounts().into_iter().find(|one| one.email.starts_with(account));
    let email = account.expect("there is such an account").email;
    let login = json!({ "email": email, "password": PASSWORD }).to_string();
    let answer = asked(world, "POST /api/v1/auth/login HTTP/1.1\r\n", &login).await;
    let mut own = Vec::new();
    tokens(&answer, false, &mut own);
    own.into_iter().next().unwrap_or_else(|| panic!("no token in {answer}"))
}

/// The tokens of displays, which schedules hold too.
pub(crate) async fn tokens_of_displays(world: &World) -> Vec<String> {
    let bearer = session(world, "manager@").await;
    let head =
        format!("GET /api/v1/schedules?limit=100 HTTP/1.1\r\nauthorization: Bearer {bearer}\r\n");
    let mut found = Vec::new();
    tokens(&asked(world, &head, "").await, false, &mut found);
    found
}

/// A person of the tenant's own does something to a row.
async fn by_hand(world: &World, method: &str, path: &str, body: &str) {
    let bearer = session(world, "ops@").await;
    let head = format!("{method} /api/v1/{path} HTTP/1.1\r\nauthorization: Bearer {bearer}\r\n");
    let answer = asked(world, &head, body).await;
    assert_eq!(answer["success"], true, "{answer}");
}

/// A person switches a display off.
pub(crate) async fn disable(world: &World, id: &str) {
    by_hand(world, "POST", &format!("displays/{id}/disable"), "").await;
}

/// A person takes a display away for good.
pub(crate) async fn remove_display(world: &World, id: &str) {
    by_hand(world, "DELETE", &format!("displays/{id}"), "").await;
}

/// A person gives a piece of content another name.
pub(crate) async fn rename(world: &World, id: &str, name: &str) {
    let body = json!({ "name": name }).to_string();
    by_hand(world, "PATCH", &format!("content/{id}"), &body).await;
}
