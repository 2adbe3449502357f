//! Access tokens and refresh rows. A refresh row that nobody revokes stays, which is how sessions leak.

use std::collections::HashMap;

use serde_json::json;

use crate::sandbox::seed::Seeded;
use crate::sandbox::time::{DAY, SECOND, Stamp};

/// A refresh row lives this long.
const REFRESH_LIFE: i64 = 30 * DAY;
/// A rotated refresh token may come again within this time, as two requests at once make it do.
const GRACE: i64 = 5 * SECOND;

/// Who a token speaks for: places of the tenant and of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) tenant: usize,
    pub(crate) user: usize,
}

#[derive(Clone, Debug)]
struct Access {
    who: Who,
    expires: Stamp,
    revoked: bool,
    /// How many requests it is still good for, where a fault limits that.
    uses_left: Option<u32>,
}

#[derive(Clone, Debug)]
struct Refresh {
    who: Who,
    family: u64,
    expires: Stamp,
    rotated: Option<Stamp>,
    revoked: bool,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Not one of ours, or its time is over.
    Unknown,
    /// Logged out.
    Revoked,
}

/// Every session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    families: u64,
    /// What a new token is limited to, where a fault says so.
    pub(crate) uses: Option<u32>,
}

impl Sessions {
    /// A new access token for `who`, in the form of a JWT.
    pub(crate) fn access(
        &mut self,
        who: Who,
        claims: &serde_json::Value,
        life: i64,
        now: Stamp,
        seeded: &mut Seeded,
    ) -> String {
        let jti = seeded.uuid();
        let mut claims = claims.clone();
        claims["jti"] = json!(jti);
        claims["iat"] = json!(now.0 / SECOND);
        claims["exp"] = json!((now.0 + life) / SECOND);
        let head = coded(br#"{"alg":"HS256","typ":"JWT"}"#);
        let token =
            format!("{head}.{}.{}", coded(claims.to_string().as_bytes()), &seeded.secret()[..43]);
        let access = Access { who, expires: now.plus(life), revoked: false, uses_left: self.uses };
        self.access.insert(token.clone(), access);
        token
    }

    /// A new refresh row of a new login.
    pub(crate) fn begin(&mut self, who: Who, now: Stamp, seeded: &mut Seeded) -> String {
        self.families += 1;
        self.row(who, self.families, now, seeded)
    }

    fn row(&mut self, who: Who, family: u64, now: Stamp, seeded: &mut Seeded) -> String {
        let secret = seeded.secret();
        let expires = now.plus(REFRESH_LIFE);
        let row = Refresh { who, family, expires, rotated: None, revoked: false };
        self.refresh.insert(secret.clone(), row);
        secret
    }

    /// Whose token this is.
    pub(crate) fn open(&mut self, token: &str, now: Stamp) -> Result<Who, Closed> {
        let access = self.access.get_mut(token).ok_or(Closed::Unknown)?;
        if access.revoked {
            return Err(Closed::Revoked);
        }
        if access.expires <= now || access.uses_left == Some(0) {
            return Err(Closed::Unknown);
        }
        access.uses_left = access.uses_left.map(|left| left - 1);
        Ok(access.who)
    }

    /// Ends an access token.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(access) = self.access.get_mut(token) {
            access.revoked = true;
        }
    }

    /// Limits every token that is out to `uses` more requests, and every later one as well.
    pub(crate) fn limit(&mut self, uses: Option<u32>) {
        self.uses = uses;
        self.access.values_mut().for_each(|access| access.uses_left = uses);
    }

    /// Ends the refresh row of a cookie.
    pub(crate) fn revoke_row(&mut self, secret: &str) {
        let family = self.refresh.get(secret).map(|row| row.family);
        self.refresh
            .values_mut()
            .filter(|row| Some(row.family) == family)
            .for_each(|row| row.revoked = true);
    }

    /// Changes a refresh token for the next one; a token that was changed before ends its whole family.
    pub(crate) fn rotate(
        &mut self,
        secret: &str,
        now: Stamp,
        seeded: &mut Seeded,
    ) -> Option<(Who, String)> {
        let row = self.refresh.get_mut(secret).filter(|row| !row.revoked && row.expires > now)?;
        let (who, family) = (row.who, row.family);
        match row.rotated {
            Some(rotated) if now.since(rotated) > GRACE => {
                self.revoke_row(secret);
                None
            }
            _ => {
                row.rotated = Some(now);
                Some((who, self.row(who, family, now, seeded)))
            }
        }
    }

    /// How many logins nobody has ended.
    pub(crate) fn open_rows(&self, now: Stamp) -> usize {
        let open = |row: &&Refresh| !row.revoked && row.rotated.is_none() && row.expires > now;
        self.refresh.values().filter(open).count()
    }
}

/// Base64 for addresses, without padding.
fn coded(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(DIGITS[usize::try_from(bits & 63).unwrap_or(0)]);
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let byte = |at: usize| u32::from(part.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digits = [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)];
        text.extend(&digits[..=part.len()]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_token_that_comes_back_late_ends_its_family() {
        let (mut sessions, mut seeded) = (Sessions::default(), Seeded::new(1));
        let who = Who { tenant: 0, user: 0 };
        let first = sessions.begin(who, Stamp(0), &mut seeded);
        let (_, second) = sessions.rotate(&first, Stamp(1), &mut seeded).unwrap();
        assert_eq!(sessions.open_rows(Stamp(2)), 1);
        assert!(sessions.rotate(&first, Stamp(2), &mut seeded).is_some());
        assert!(sessions.rotate(&first, Stamp(10_000), &mut seeded).is_none());
        assert!(sessions.rotate(&second, Stamp(10_001), &mut seeded).is_none());
        assert_eq!(sessions.open_rows(Stamp(10_001)), 0);
    }

    #[test]
    fn base64_is_base64() {
        assert_eq!(coded(b"ab"), "YWI");
        assert_eq!(coded(b"{\"alg\":"), "eyJhbGciOg");
    }
}
