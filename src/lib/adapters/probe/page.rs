//! The scripts and style sheets that a page names. A scanner of tags, not a browser: what it overlooks is not
//! followed, what it finds was written by the page.

/// What a page names, in its own order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The address that the others are relative to, where the page sets one.
    pub(super) base: Option<String>,
    /// The addresses of scripts.
    pub(super) scripts: Vec<String>,
    /// The addresses of style sheets.
    pub(super) styles: Vec<String>,
}

/// Scans a page.
pub(super) fn named(page: &str) -> Named {
    let mut named = Named::default();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let tag = rest[..end].to_ascii_lowercase();
        if tag.is_empty() {
            continue;
        }
        let (attributes, after) = attributes(&rest[end..]);
        rest = after;
        note(&mut named, &tag, &attributes);
        // What stands inside these is text, however much it looks like tags.
        if ["script", "style", "textarea", "title"].contains(&tag.as_str()) {
            rest = behind_close(rest, &tag);
        }
    }
    named
}

fn note(named: &mut Named, tag: &str, attributes: &[(String, String)]) {
    let value = |name: &str| {
        let found = attributes.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    };
    let is_style = || {
        value("rel").is_some_and(|rel| {
            rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("stylesheet"))
        })
    };
    match tag {
        "script" => named.scripts.extend(value("src").map(str::to_owned)),
        "link" if is_style() => named.styles.extend(value("href").map(str::to_owned)),
        "base" if named.base.is_none() => named.base = value("href").map(str::to_owned),
        _ => {}
    }
}

/// The attributes of a tag, up to its end, and what follows it.
fn attributes(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        // An equals sign may begin a name, so that every turn moves on.
        let end = rest
            .char_indices()
            .find(|(at, c)| c.is_ascii_whitespace() || "/>".contains(*c) || (*c == '=' && *at > 0))
            .map_or(rest.len(), |(at, _)| at);
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        if name.is_empty() {
            return (found, rest);
        }
        let (value, after) = value(rest);
        found.push((name, value.replace("&amp;", "&")));
        rest = after;
    }
}

/// The value behind a name, empty where there is none.
fn value(text: &str) -> (&str, &str) {
    let Some(rest) = text.trim_ascii_start().strip_prefix('=') else { return ("", text) };
    let rest = rest.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = rest.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
    rest.split_at(end)
}

fn behind_close<'a>(text: &'a str, tag: &str) -> &'a str {
    let mut rest = text;
    while let Some(open) = rest.find("</") {
        rest = &rest[open + 2..];
        if rest.get(..tag.len()).is_some_and(|name| name.eq_ignore_ascii_case(tag)) {
            return rest;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scripts_and_styles_are_found_however_they_are_written() {
        let page = r#"<!DOCTYPE html><HTML><head><title><script src="/no"></title>
            <!-- <script src="/old.js"></script> -->
            <link rel="icon" href="/i.ico"><LINK HREF=/a.css?x=1&amp;y=2 REL='preload StyleSheet'>
            <script>if (a < b) document.write('<script src="/no.js">');</script>
            <script async defer type=module src = '/m.js' ></script><script src="b.js"/></script>
            <a title="<script src=/no2.js>">x</a>"#;
        let named = named(page);
        assert_eq!(named.styles, ["/a.css?x=1&y=2"]);
        assert_eq!(named.scripts, ["/m.js", "b.js"]);
        assert_eq!(named.base, None);
    }

    #[test]
    fn a_base_is_noted_once() {
        let page = "<base href='/x/'><base href='/y/'><script src=a.js></script>";
        assert_eq!(named(page).base.as_deref(), Some("/x/"));
    }

    #[test]
    fn a_page_without_assets_names_none() {
        assert_eq!(named("<p>hello</p><script>1</script><script src=''>"), Named::default());
        assert_eq!(named("{\"status\":\"ok\"}"), Named::default());
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_ends(page in "(<|>|/|=|'|\"|script|link|src|--|!|&|\\PC| ){0,80}") {
            let _whatever = named(&page);
        }
    }
}
