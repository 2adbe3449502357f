use proptest::prelude::*;

use super::*;

fn plain(text: &str) -> String {
    Redactor::default().redact(text)
}

#[test]
fn the_usual_shapes_lose_their_secret_and_keep_the_rest() {
    let cases = [
        ("password=hunter22 user=bob", "password=*** user=bob"),
        ("DB_PASSWORD: 'hun ter' next", "DB_PASSWORD: ***' next"),
        (r#"{"apiKey":"abc\"def","n":1}"#, r#"{"apiKey":***","n":1}"#),
        (r#""{\"token\":\"abc\",\"n\":1}""#, r#""{\"token\":***","#),
        ("--token abcd --x 1", "--token *** --x 1"),
        ("postgres://u:p%40s@db.test/x?y", "postgres://***@db.test/x?y"),
        ("redis://:pa/ss@h:1/0", "redis://***@h:1/0"),
        ("http://h.test:80/@x", "http://h.test:80/@x"),
        ("curl -H 'authorization: Basic QWxhZGRpbg=='", "curl -H 'authorization: ***"),
        ("sent bearer abcdefgh12345 ok", "sent bearer *** ok"),
        ("Cookie: a=b; c=d\nnext", "Cookie: ***\nnext"),
        ("SLACK_WEBHOOK_URL=https://h.test/s/T/B/x", "SLACK_WEBHOOK_URL=***"),
        ("the basic idea", "the basic idea"),
        ("author: jane", "author: jane"),
        ("jwt eyJhbGciOi.eyJzdWIi.sig end", "jwt *** end"),
    ];
    for (text, expected) in cases {
        let redacted = plain(text);
        assert!(redacted.starts_with(expected), "{text}\n  {redacted}\n  {expected}");
    }
}

#[test]
fn a_pem_block_goes_whole_even_where_its_end_is_cut_off() {
    let whole = "a\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\nb";
    assert_eq!(plain(whole), "a\n***\nb");
    assert_eq!(plain("a\n-----BEGIN PRIVATE KEY-----\nMIIB"), "a\n***");
}

#[test]
fn overlapping_known_values_do_not_shelter_each_other() {
    let redactor = Redactor::new(["abcdef".to_owned(), "defghi".to_owned()]);
    assert_eq!(redactor.redact("x abcdefghi y"), "x *** y");
}

#[test]
fn a_known_value_is_found_in_its_encoded_forms() {
    let redactor = Redactor::new(["p@ss\"word/1".to_owned()]);
    assert_eq!(redactor.redact("a p%40ss%22word%2F1 b"), "a *** b");
    assert_eq!(redactor.redact(r#"["p@ss\"word/1"]"#), r#"["***"]"#);
}

#[test]
fn a_fragment_is_one_bounded_line() {
    let text = format!("first\nsecond password=abc {}", "long ".repeat(1_000));
    let fragment = Redactor::default().fragment(&text);
    assert!(fragment.starts_with("first second password=***"));
    assert!(fragment.chars().count() <= 301 && !fragment.contains('\n'));
}

#[test]
fn a_text_without_secrets_is_left_as_it_is() {
    let text = "GET /api/health 200 in 12 ms; 3 items; status: ok; key 7";
    assert_eq!(plain(text), text);
}

/// A secret of a form that no ordinary word has.
fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9]{12,24}"
}

proptest! {
    #[test]
    fn a_planted_secret_never_survives(
        before in ".{0,40}",
        secret in secret(),
        shape in 0..9_usize,
        after in ".{0,40}",
    ) {
        let planted = match shape {
            0 => format!("password={secret}"),
            1 => format!("\"client_secret\": \"{secret}\""),
            2 => format!("https://user:{secret}@host.test/"),
            3 => format!("Authorization: Bearer {secret}"),
            4 => format!("--api-key {secret}"),
            5 => format!("eyJ{secret}.{secret}.{secret}"),
            6 => format!("-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----"),
            7 => format!("Set-Cookie: sid={secret}; Path=/"),
            _ => format!("AWS_SECRET_ACCESS_KEY => {secret}"),
        };
        let redacted = plain(&format!("{before}\n{planted}\n{after}"));
        prop_assert!(!redacted.contains(&secret), "{redacted}");
    }

    #[test]
    fn a_known_secret_never_survives_anywhere(
        before in ".{0,40}",
        secret in ".{4,30}",
        after in ".{0,40}",
    ) {
        let known = secret.trim().to_owned();
        prop_assume!(known.len() >= SHORTEST_KNOWN && !MARK.contains(&known) && !known.contains('*'));
        let redacted = Redactor::new([secret.clone()]).redact(&format!("{before} {secret} {after}"));
        prop_assert!(!redacted.contains(&known), "{redacted}");
    }

    #[test]
    fn a_text_never_grows_beyond_its_marks(text in ".{0,200}", secret in ".{4,8}") {
        let redacted = Redactor::new([secret]).redact(&text);
        prop_assert!(redacted.len() <= text.len() * MARK.len());
    }
}

#[test]
fn a_hostile_text_takes_time_in_proportion_to_its_length() {
    // Walked once for each match in it, any of these takes minutes; walked once, a fraction of a second.
    let units = [
        "cookie=",
        "eyJ",
        "://a",
        "://",
        "a://b:c@",
        "bearer ",
        "bearer",
        "token=",
        "token='",
        "token=\\\"",
        "\"token\":\"",
        "--token ",
        "-----BEGIN ",
        "password:",
    ];
    let began = tokio::time::Instant::now();
    for unit in units {
        let redacted = plain(&unit.repeat(1_000_000 / unit.len()));
        assert!(redacted.len() <= 3_000_000);
    }
    assert!(began.elapsed() < std::time::Duration::from_mins(1), "{:?}", began.elapsed());
}
