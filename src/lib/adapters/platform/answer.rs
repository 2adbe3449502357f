//! An answer: its status, the few headers that count, and its body, of which only named fields are read.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use crate::adapters::redact::Redactor;

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The longest wait that the platform asks for.
    pub(super) retry_after: Option<Duration>,
    /// Where it sends us instead.
    pub(super) location: Option<String>,
    /// What the platform's clock said.
    pub(super) date: Option<Timestamp>,
    /// What it wants to be sent back as cookies.
    pub(super) cookies: Vec<String>,
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<D> {
    success: bool,
    data: D,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    message: Words,
    status_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

impl Answer {
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// What stands in the envelope of a good answer.
    pub(super) fn data<D: DeserializeOwned>(&self, what: &str) -> Result<D, Failure> {
        let unknown = |why: String| {
            Failure::Shape(format!("the answer about {what} has an unknown shape: {why}"))
        };
        let envelope: Envelope<D> =
            serde_json::from_slice(&self.body).map_err(|error| unknown(told(&error)))?;
        if !envelope.success {
            return Err(unknown("it does not say success".to_owned()));
        }
        Ok(envelope.data)
    }

    /// A cookie's value.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let value = |cookie: &String| {
            let (found, rest) = cookie.split_once('=')?;
            let value = rest.split(';').next().unwrap_or_default().trim();
            (found.trim() == name && !value.is_empty()).then(|| value.to_owned())
        };
        self.cookies.iter().find_map(value)
    }

    /// What an answer that is not good says.
    pub(super) fn refusal(&self, redactor: &Redactor) -> Failure {
        // What stands in an error of the platform's own may be anything, a query with its values for one.
        let words = (self.status < 500).then(|| serde_json::from_slice(&self.body).ok()).flatten();
        // A 404 says that a row is gone: that is believed only in the platform's own form.
        let own = |refusal: &Refusal| self.status != 404 || refusal.status_code == Some(404);
        let word = match words.filter(own).map(|refusal: Refusal| refusal.message) {
            Some(Words::One(word)) => word,
            Some(Words::Many(words)) => words.join("; "),
            None => String::new(),
        };
        Failure::Said(self.status, plain(&word, redactor))
    }
}

/// A text of the platform as a short fragment, without secrets and without addresses of people.
fn plain(text: &str, redactor: &Redactor) -> String {
    let text = redactor.fragment(text);
    let kept = text.split(' ').map(|word| if word.contains('@') { "***" } else { word });
    let text: Vec<&str> = kept.collect();
    text.join(" ").chars().take(200).collect()
}

/// An error of parsing without the values that stood in the answer: only the names of our own fields and types.
fn told(error: &serde_json::Error) -> String {
    if !error.is_data() {
        return "it is no whole JSON".to_owned();
    }
    let text = error.to_string();
    if let Some(rest) = text.strip_prefix("missing field `") {
        let name = rest.split('`').next().unwrap_or_default();
        return format!("{name} is missing");
    }
    match text.rfind(", expected ") {
        Some(at) => {
            let expected = &text[at + ", expected ".len()..];
            let expected = expected.split(" at line ").next().unwrap_or_default();
            let expected: String = expected.chars().take(80).collect();
            format!("something is not {expected}")
        }
        None => "a field is not what it should be".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let cookies = vec![
            "vizora_csrf_token=abc; Path=/".to_owned(),
            "vizora_refresh_token=f00; Max-Age=1; HttpOnly".to_owned(),
            "vizora_auth_token=; Path=/".to_owned(),
        ];
        Answer { status, retry_after: None, location: None, date: None, cookies, body: body.into() }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Thing {
        n: u8,
    }

    #[test]
    fn only_an_envelope_that_says_success_is_read() {
        let read = |body: &str| answer(200, body).data::<Thing>("things");
        assert_eq!(read(r#"{"success":true,"data":{"n":1,"jwtToken":"x"}}"#), Ok(Thing { n: 1 }));
        let bad = [
            r#"{"n":1}"#,
            r#"{"success":false,"data":{"n":1}}"#,
            r#"{"success":true,"data":{}}"#,
            r#"{"success":true,"data":{"n":"sesame"}}"#,
            r#"{"success":true,"data":[]}"#,
            r#"{"success":true,"data":{"n":1"#,
            "<html>",
            "",
        ];
        for body in bad {
            let Err(Failure::Shape(why)) = read(body) else { panic!("{body} was understood") };
            assert!(!why.contains("sesame"), "{why}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_an_empty_one_is_none() {
        let answer = answer(201, "");
        assert_eq!(answer.cookie("vizora_refresh_token").as_deref(), Some("f00"));
        assert_eq!(answer.cookie("refresh_token"), None);
        assert_eq!(answer.cookie("vizora_auth_token"), None);
    }

    #[test]
    fn a_refusal_is_told_without_people_and_secrets() {
        let redactor = Redactor::new(["hunter2-hunter2".to_owned()]);
        let said = |status, body: &str| answer(status, body).refusal(&redactor).to_string();
        let body = r#"{"message":"no a@example.test with hunter2-hunter2","statusCode":403}"#;
        assert_eq!(said(403, body), "the platform answered 403: no *** with ***");
        let many = r#"{"message":["a","b"],"error":"Bad Request","statusCode":400}"#;
        assert_eq!(said(400, many), "the platform answered 400: a; b");
        assert_eq!(said(500, body), "the platform answered 500");
        assert_eq!(said(404, "gone"), "the platform answered 404");
        let gone = r#"{"message":"Content not found","error":"Not Found","statusCode":404}"#;
        assert_eq!(said(404, gone), "the platform answered 404: Content not found");
        // A gateway's page, and a gateway's JSON.
        for foreign in ["<h1>Not Found</h1>", r#"{"message":"no Route matched with those values"}"#]
        {
            assert_eq!(said(404, foreign), "the platform answered 404");
        }
    }
}
