//! Names in statements: the one place where a text becomes part of SQL.

use sqlx::AssertSqlSafe;

/// A statement about one object, whose name the server itself gave and quoted.
///
/// Names come from the server's `quote_ident` alone; what is not such a name is refused, so that nothing else can ever become
/// part of a statement.
pub(super) fn about(verb: &str, name: &str) -> Result<AssertSqlSafe<String>, String> {
    if is_quoted(name) {
        return Ok(AssertSqlSafe(format!("{verb} {name}")));
    }
    Err(format!("`{name}` is not a name as the server writes it"))
}

/// Whether a text is one or more identifiers with dots between, each plain, or quoted with its own quotes doubled.
fn is_quoted(name: &str) -> bool {
    let mut rest = name;
    loop {
        let Some(after) = identifier(rest) else { return false };
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => return after.is_empty(),
        }
    }
}

/// What follows the first identifier of a text.
fn identifier(text: &str) -> Option<&str> {
    if let Some(inner) = text.strip_prefix('"') {
        let mut place = 0;
        loop {
            place += inner.get(place..)?.find('"')?;
            match inner.get(place + 1..)?.strip_prefix('"') {
                Some(_) => place += 2,
                None if place == 0 => return None,
                None => return inner.get(place + 1..),
            }
        }
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let end = text.find(|c| !plain(c)).unwrap_or(text.len());
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    begins.then(|| &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_quotes_is_a_name_and_nothing_else_is() {
        for good in ["public.content", "public.\"Content\"", "\"a\"\"b\".\"c d; --\"", "_x.y1"] {
            assert!(about("VACUUM", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "a.",
            "a b",
            "a;drop table x",
            "\"a",
            "\"a\"b",
            "\"\"",
            "a.\"b\"; select 1",
            "Content",
            "1a",
            "a--",
            "\"a\"\"",
            "a.b c",
        ] {
            assert!(about("VACUUM", bad).is_err(), "{bad}");
        }
    }
}
