//! What a mail server's words are cleared of: the login, also as it was sent, and addresses of people.

use lettre::message::Mailbox;

use super::Login;
use crate::adapters::redact::Redactor;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The secrets of one mail server.
pub(super) struct Secrets(Redactor);

impl Secrets {
    pub(super) fn of<'a>(login: Option<&Login>, people: impl Iterator<Item = &'a Mailbox>) -> Self {
        let addresses = people.map(|mailbox| mailbox.email.to_string());
        let said = login.into_iter().flat_map(|login| {
            let (user, password) = (&login.user, &login.password);
            let both = format!("\0{user}\0{password}");
            let encoded = [user, password, &both].map(|text| base64(text.as_bytes()));
            [user.clone(), password.clone()].into_iter().chain(encoded)
        });
        Self(Redactor::new(addresses.chain(said)))
    }

    /// What the server said, as one short line.
    pub(super) fn fragment(&self, text: &str) -> String {
        self.0.fragment(text)
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let index = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            text.push(if place > three.len() { '=' } else { char::from(ALPHABET[index]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_server_that_repeats_what_it_was_told_tells_nothing() {
        let login = Login { user: "canary-user".into(), password: "canary-pass".into() };
        let person: Mailbox = "canary@example.test".parse().unwrap();
        let secrets = Secrets::of(Some(&login), std::iter::once(&person));
        let plain = base64(b"\0canary-user\0canary-pass");
        let said = secrets.fragment(&format!(
            "no such user canary@example.test, canary-user, canary-pass, {plain}\r\n{}",
            base64(b"canary-pass")
        ));
        assert!(!said.contains("canary") && !said.contains(&plain), "{said}");
        assert!(!said.contains(&base64(b"canary-pass")) && !said.contains('\n'), "{said}");
    }
}
