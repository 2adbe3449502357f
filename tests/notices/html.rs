//! A reader of HTML that knows what our mails may hold, and nothing else.

/// The tags that a mail of ours has, and whether they have an end.
const TAGS: [(&str, bool); 14] = [
    ("html", true),
    ("head", true),
    ("title", true),
    ("body", true),
    ("table", true),
    ("tr", true),
    ("td", true),
    ("div", true),
    ("p", true),
    ("ul", true),
    ("li", true),
    ("a", true),
    ("meta", false),
    ("br", false),
];
/// Their attributes.
const ATTRIBUTES: [&str; 14] = [
    "style",
    "lang",
    "dir",
    "href",
    "width",
    "height",
    "bgcolor",
    "role",
    "cellpadding",
    "cellspacing",
    "border",
    "charset",
    "name",
    "content",
];
const ENTITIES: [&str; 5] = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];

/// What is wrong with a page.
pub(crate) fn wrong(page: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").unwrap_or("<no doctype>");
    while let Some((text, tail)) = rest.split_once('<') {
        wrong.extend(of_text(text));
        let Some((tag, after)) = tail.split_once('>') else {
            wrong.push("a tag without an end".to_owned());
            break;
        };
        wrong.extend(of_tag(tag, &mut open));
        rest = after;
    }
    wrong.extend(of_text(rest));
    if !open.is_empty() {
        wrong.push(format!("never closed: {open:?}"));
    }
    wrong
}

fn of_text(text: &str) -> Option<String> {
    let entity = |place: usize| {
        text[place..].starts_with("&nbsp;")
            || ENTITIES.iter().any(|one| text[place..].starts_with(one))
    };
    let loose = text.match_indices('&').any(|(place, _)| !entity(place));
    (loose || text.contains(['>', '"', '\''])).then(|| format!("unescaped: {text:?}"))
}

fn of_tag(tag: &str, open: &mut Vec<String>) -> Option<String> {
    if let Some(name) = tag.strip_prefix('/') {
        return (open.pop().as_deref() != Some(name)).then(|| format!("</{name}> closes nothing"));
    }
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let Some((_, has_end)) = TAGS.iter().find(|(known, _)| *known == name) else {
        return Some(format!("the tag <{tag}>"));
    };
    if *has_end {
        open.push(name.to_owned());
    }
    let mut rest = attributes;
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, tail) = after.split_once('"')?;
        let is_loaded =
            value.contains("url(") || value.contains("expression") || value.contains("javascript:");
        let is_away = name.trim() == "href" && !value.starts_with("https://wiki.example.test/");
        if !ATTRIBUTES.contains(&name.trim()) || is_loaded || is_away || value.contains('<') {
            return Some(format!("the attribute {name}=\"{value}\""));
        }
        rest = tail;
    }
    (!rest.trim().is_empty()).then(|| format!("{rest:?} in a tag"))
}

#[test]
fn a_page_with_anything_else_would_be_noticed() {
    let page = |inner: &str| format!("<!DOCTYPE html>\n<html><body>{inner}</body></html>");
    assert_eq!(wrong(&page("<p dir=\"auto\">a &amp; b</p>")), Vec::<String>::new());
    for bad in [
        "<script>x</script>",
        "<img src=\"https://evil.example.test/x.png\">",
        "<p onclick=\"x\">a</p>",
        "<p style=\"background:url(x)\">a</p>",
        "<a href=\"https://evil.example.test/\">a</a>",
        "<a href=\"javascript:alert(1)\">a</a>",
        "<p>a",
        "a</p>",
        "a & b",
        "a > b",
        "a \" b",
        "<p dir>a</p>",
        "<style>x</style>",
    ] {
        assert_ne!(wrong(&page(bad)), Vec::<String>::new(), "{bad}");
    }
    assert_ne!(wrong("<html></html>"), Vec::<String>::new());
}
