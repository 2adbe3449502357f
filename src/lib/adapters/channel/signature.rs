//! The signature of a webhook: HMAC-SHA256 over the moment and the body, so that neither can be changed or replayed.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The value of the header: `v1=` and the code in hexadecimal digits.
pub(super) fn signature(secret: &[u8], seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut text = "v1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `printf '1764072000.{"a":1}' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn it_is_what_openssl_computes() {
        let found = signature(b"secret", 1_764_072_000, br#"{"a":1}"#);
        assert_eq!(found, "v1=a9c9e25fdaa41256c9c50b87235d5773ef65a34fd758a7410b75470b4bc7ddab");
    }
}
