//! How the database of a dump keeps letters: its encoding, and the locale that says what is a letter and which comes first.
//!
//! Constraints, unique indexes and the bounds of partitions depend on it: in another one a good dump may not be restorable.

/// The words that make a database in its locale, as `pg_dump` of every version writes them.
const OPTIONS: [&str; 7] =
    ["LOCALE_PROVIDER", "LOCALE", "LC_COLLATE", "LC_CTYPE", "ICU_LOCALE", RULES, "BUILTIN_LOCALE"];
const RULES: &str = "ICU_RULES";
const PROVIDERS: [&str; 3] = ["libc", "icu", "builtin"];
const MADE: &str = "CREATE DATABASE ";

/// What a restore may complain of where letters are others, or come in another order: rows that are not taken, what is not one of
/// its kind any more, a partition whose bounds are the wrong way round.
const OF_AN_ORDER: [&str; 11] = [
    "COPY failed",
    "violates check constraint",
    "violates exclusion constraint",
    "violates unique constraint",
    "violates partition constraint",
    "could not create unique index",
    "could not create exclusion constraint",
    "no partition of relation",
    "empty range bound",
    "would overlap partition",
    "invalid regular expression",
];

/// How one database keeps them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Letters {
    /// As the server calls it.
    encoding: Option<String>,
    /// Options of its locale and their values, in the order in which they stand there.
    locale: Vec<(String, String)>,
}

/// A part of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// A name or a keyword, as it stands there.
    Bare(String),
    /// What stands between quotes.
    Quoted(String),
}

impl Letters {
    /// Those in the words that make a dump's database; without them the encoding of the words themselves.
    pub(super) fn of(script: &str) -> Self {
        let begins = |line: &&str| line.starts_with(MADE);
        let Some(at) = script.lines().find(begins).and_then(|line| script.find(line)) else {
            let rest = script.split_once("SET client_encoding = '").map(|(_, rest)| rest);
            let name = rest.and_then(|rest| rest.split_once('\'')).map(|(name, _)| name);
            let encoding = name.filter(|name| is_plain(name)).map(str::to_owned);
            return Self { encoding, locale: Vec::new() };
        };
        let mut letters = Self::default();
        let words = words(&script[at + MADE.len()..]);
        for two in words.windows(2) {
            let [Word::Bare(option), value] = two else { continue };
            let (Word::Bare(value) | Word::Quoted(value)) = value;
            if option == "ENCODING" && is_plain(value) {
                letters.encoding = Some(value.clone());
            } else if OPTIONS.contains(&option.as_str())
                && (option != OPTIONS[0] || PROVIDERS.contains(&value.as_str()))
            {
                letters.locale.push((option.clone(), value.clone()));
            }
        }
        letters
    }

    /// What is added to the words that make a database with the same encoding: with the same locale; where another provider than
    /// the system's says what its letters are, with that alone; and last with no locale.
    pub(super) fn tries(&self) -> Vec<String> {
        let is_systems = |name: &str| ["LOCALE", "LC_COLLATE", "LC_CTYPE"].contains(&name);
        let is_provided =
            |(_, value): &(String, String)| ["icu", "builtin"].contains(&value.as_str());
        let mut tries = vec![self.with(|_| true)];
        if self.locale.iter().any(is_provided) {
            tries.push(self.with(|name| !is_systems(name)));
        }
        tries.push(self.with(|_| false));
        tries.dedup();
        tries
    }

    /// The same with those options that are asked for.
    fn with(&self, is_asked: impl Fn(&str) -> bool) -> String {
        let encoding = self.encoding.as_ref().map(|name| format!(" ENCODING '{name}'"));
        let option = |(name, value): &(String, String)| {
            if name == OPTIONS[0] {
                return format!(" {name} {value}");
            }
            format!(" {name} '{}'", value.replace('\'', "''"))
        };
        let asked = self.locale.iter().filter(|(name, _)| is_asked(name)).map(option);
        encoding.into_iter().chain(asked).collect()
    }

    /// Its locale in words, where it is not the one that every server has.
    pub(super) fn locale(&self) -> Option<String> {
        let values =
            self.locale.iter().filter(|(name, _)| ![OPTIONS[0], RULES].contains(&name.as_str()));
        let mut named: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        named.retain(|value| !["C", "POSIX"].contains(value));
        named.dedup();
        (!named.is_empty()).then(|| named.join(", "))
    }
}

/// Whether a complaint of a restore may come of another order of letters than the dump's own.
pub(super) fn is_of_an_order(complaint: &str) -> bool {
    OF_AN_ORDER.iter().any(|part| complaint.contains(part))
}

/// What may stand between quotes as it is.
fn is_plain(name: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_name)
}

/// The words of a statement up to its end; signs between them are left out.
fn words(statement: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        match first {
            ';' => break,
            '\'' | '"' => {
                let (word, after) = quoted(&rest[1..], first);
                words.push(Word::Quoted(word));
                rest = after;
            }
            _ => {
                let is_end = |c: char| c.is_whitespace() || "='\";".contains(c);
                let end = rest.find(is_end).unwrap_or(rest.len());
                if end > 0 {
                    words.push(Word::Bare(rest[..end].to_owned()));
                }
                let sign = rest[end..].chars().next().filter(|c| c.is_whitespace() || *c == '=');
                rest = &rest[end + sign.map_or(0, char::len_utf8)..];
            }
        }
    }
    words
}

/// What stands before the next quote, and what comes after it; two quotes in a row are one that belongs to it.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut word = String::new();
    let mut rest = text;
    while let Some((part, after)) = rest.split_once(quote) {
        word.push_str(part);
        rest = after;
        let Some(after) = rest.strip_prefix(quote) else { return (word, rest) };
        word.push(quote);
        rest = after;
    }
    (word + rest, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(made: &str) -> String {
        Letters::of(&format!("SET client_encoding = 'UTF8';\n\nCREATE DATABASE {made};\n\n"))
            .tries()
            .remove(0)
    }

    #[test]
    fn a_locale_is_taken_over_as_every_version_writes_it() {
        for (made, whole) in [
            (
                "a WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C.UTF-8'",
                " ENCODING 'UTF8' LOCALE 'C.UTF-8'",
            ),
            (
                "a WITH TEMPLATE = template0 ENCODING = 'LATIN1' LC_COLLATE = 'C' LC_CTYPE = 'de_DE'",
                " ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'de_DE'",
            ),
            (
                "a WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'en-US' ICU_RULES = '&a < ''b''\nCREATE DATABASE x'",
                " ENCODING 'UTF8' LOCALE_PROVIDER icu LOCALE 'C' ICU_LOCALE 'en-US' ICU_RULES '&a < ''b''\nCREATE DATABASE x'",
            ),
            (
                "a WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8'",
                " ENCODING 'UTF8' LOCALE_PROVIDER builtin LOCALE 'C' BUILTIN_LOCALE 'C.UTF-8'",
            ),
            // What is in a name is none of it.
            (
                "\"a \"\" LOCALE = 'x' ENCODING\" WITH TEMPLATE = template0 ENCODING = 'UTF8'",
                " ENCODING 'UTF8'",
            ),
            ("a WITH LOCALE_PROVIDER = x ENCODING = 'U; DROP'", ""),
        ] {
            assert_eq!(of(made), whole, "{made}");
        }
    }

    #[test]
    fn without_words_that_make_a_database_the_encoding_is_that_of_the_words() {
        let letters = Letters::of("SET client_encoding = 'UTF8';\n");
        assert_eq!(letters.tries(), [" ENCODING 'UTF8'"]);
        assert_eq!(Letters::of("SELECT 1"), Letters::default());
        assert_eq!(Letters::of("SET client_encoding = 'x; DROP TABLE y';"), Letters::default());
    }

    #[test]
    fn a_locale_that_cannot_be_had_is_tried_without_what_the_system_lacks() {
        let tries = |made: &str| Letters::of(&format!("CREATE DATABASE a WITH {made};\n")).tries();
        assert_eq!(tries("LOCALE = 'de_DE'"), [" LOCALE 'de_DE'", ""]);
        let icu = "LOCALE_PROVIDER = icu LOCALE = 'de_DE' ICU_LOCALE = 'de'";
        let [all, provided, none] = &tries(icu)[..] else { panic!("{:?}", tries(icu)) };
        assert_eq!(all, " LOCALE_PROVIDER icu LOCALE 'de_DE' ICU_LOCALE 'de'");
        assert_eq!(
            (provided.as_str(), none.as_str()),
            (" LOCALE_PROVIDER icu ICU_LOCALE 'de'", "")
        );
    }

    #[test]
    fn a_locale_that_every_server_has_is_not_named() {
        let named = |made: &str| Letters::of(&format!("CREATE DATABASE a WITH {made};\n")).locale();
        assert_eq!(named("LOCALE_PROVIDER = libc LOCALE = 'C'"), None);
        assert_eq!(named("LC_COLLATE = 'de_DE' LC_CTYPE = 'de_DE'").as_deref(), Some("de_DE"));
        assert_eq!(named("LOCALE = 'C' ICU_LOCALE = 'en-US'").as_deref(), Some("en-US"));
    }
}
