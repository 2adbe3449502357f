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

/// The tokens of displays, which schedules hold too.
pub(crate) async fn tokens_of_displays(world: &World) -> Vec<String> {
    let account =
        world.sandbox.accounts().into_iter().find(|one| one.email.starts_with("manager@"));
    let email = account.expect("there is a manager").email;
    let login = json!({ "email": email, "password": PASSWORD }).to_string();
    let answer = asked(world, "POST /api/v1/auth/login HTTP/1.1\r\n", &login).await;
    let mut own = Vec::new();
    tokens(&answer, false, &mut own);
    let bearer = own.first().unwrap_or_else(|| panic!("no token in {answer}"));
    let head =
        format!("GET /api/v1/schedules?limit=100 HTTP/1.1\r\nauthorization: Bearer {bearer}\r\n");
    let mut found = Vec::new();
    tokens(&asked(world, &head, "").await, false, &mut found);
    found
}
