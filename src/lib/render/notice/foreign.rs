//! Strangers' text: made harmless, cut to a size, and written in the way of a channel.
//!
//! Everything that a message holds goes through here before it reaches a channel. A channel adds how it writes one
//! character; it never sees the raw text, and so cannot cut in the middle of what it writes.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

/// No character that people write is made of more code points. Longer ones are heaps of accents, made to cover what
/// stands around them.
const LONGEST_CHARACTER: usize = 16;
/// What shows that something was cut.
const CUT: &str = "…";

/// How much of a channel's room a written text takes.
pub(super) type Cost = fn(&str) -> usize;
/// How a channel writes one character, given those before and after it.
pub(super) type Write = for<'t> fn(Option<&'t str>, &'t str, Option<&'t str>) -> Cow<'t, str>;

/// UTF-16 units: what the chats count, or more than what they count.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Bytes of the text inside a JSON document.
pub(super) fn json_bytes(text: &str) -> usize {
    text.chars().map(json_bytes_of).sum()
}

const fn json_bytes_of(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

/// The text as it is, for channels that obey nothing in it.
pub(super) fn as_it_is<'t>(_: Option<&str>, one: &'t str, _: Option<&str>) -> Cow<'t, str> {
    Cow::Borrowed(one)
}

/// `text` in one line, harmless, and at most `limit` long by `cost`; a cut one ends in `…`.
pub(super) fn fit(text: &str, limit: usize, cost: Cost, write: Write) -> String {
    // Each character costs one at least, so that no more of them can be needed.
    let (clean, is_whole) = clean(text, limit.saturating_add(1).saturating_mul(LONGEST_CHARACTER));
    let characters: Vec<&str> = clean.graphemes(true).map(shortened).take(limit + 1).collect();
    let mut fitted = String::new();
    let (mut used, mut kept) = (0, 0);
    for (place, one) in characters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| characters.get(place)).copied();
        let written = write(before, one, characters.get(place + 1).copied());
        used += cost(&written);
        if used > limit {
            break;
        }
        fitted.push_str(&written);
        if used + cost(CUT) <= limit {
            kept = fitted.len();
        }
    }
    if used <= limit && is_whole {
        return fitted;
    }
    fitted.truncate(kept);
    format!("{}{CUT}", fitted.trim_end())
}

/// The first code points of a character that has too many.
fn shortened(character: &str) -> &str {
    let end = character.char_indices().nth(LONGEST_CHARACTER);
    end.map_or(character, |(place, _)| character.get(..place).unwrap_or_default())
}

/// The beginning of `text` in one line, without what is obeyed or not seen, at most so many code points; and whether that
/// is all of it.
fn clean(text: &str, most: usize) -> (String, bool) {
    let mut clean = String::new();
    let (mut is_in_flag, mut is_after_space, mut count) = (false, true, 0);
    for c in text.chars() {
        if count == most {
            return (clean, false);
        }
        is_in_flag = c == '\u{1f3f4}' || is_in_flag && is_tag(c);
        if is_unseen(c) || is_tag(c) && !is_in_flag {
            continue;
        }
        let is_space = c.is_whitespace() || c.is_control();
        if is_space && is_after_space {
            continue;
        }
        clean.push(if is_space { ' ' } else { c });
        is_after_space = is_space;
        count += 1;
    }
    clean.truncate(clean.trim_end().len());
    (clean, true)
}

/// Marks that turn the direction of writing around, and marks that take no room and join nothing: with them a reader sees
/// something else than what stands there. Joiners stay: scripts and emoji need them.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// Letters that are never shown. They spell the name of a region after a black flag; anywhere else they hide something.
const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// A word of ours or of a stranger that may stand in a command which people paste into a shell.
pub(super) fn is_plain_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(is_plain) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, limit: usize) -> String {
        fit(text, limit, units, as_it_is)
    }

    #[test]
    fn what_fits_is_left_alone_and_what_is_cut_says_so() {
        assert_eq!(plain("", 0), "");
        assert_eq!(plain("twelve", 6), "twelve");
        assert_eq!(plain("thirteen", 6), "thirt…");
        assert_eq!(plain("two words", 5), "two…");
        assert_eq!(plain("日本語", 2), "日…");
    }

    #[test]
    fn a_character_is_whole_or_absent() {
        let family = "👨‍👩‍👧‍👦";
        let scotland = "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";
        let accents = "e\u{301}e\u{301}";
        for whole in [family, scotland, accents, "🇩🇪🇫🇷"] {
            assert_eq!(plain(whole, 100), whole, "it survives");
        }
        assert_eq!(plain(&format!("a{family}b"), 12), "a…");
        assert_eq!(plain(&format!("a{family}bc"), 13), format!("a{family}…"));
        assert_eq!(plain(accents, 3), "e\u{301}…");
        assert_eq!(plain("🇩🇪🇫🇷", 6), "🇩🇪…");
    }

    #[test]
    fn what_is_obeyed_or_not_seen_is_taken_out() {
        assert_eq!(
            plain(" a\u{202e}b\u{0}\r\n\tc\u{200b}d\u{2028}e \u{1b}[31m ", 99),
            "ab cd e [31m"
        );
        assert_eq!(plain("a\u{e0041}\u{e0042}b", 99), "ab", "letters that nobody sees");
        let heap = format!("a{}b", "\u{301}".repeat(1_000_000));
        let cut = plain(&heap, 99);
        assert!(
            cut.ends_with("\u{301}…") && cut.chars().count() == 17,
            "what follows is not looked for"
        );
        assert_eq!(plain(&format!("a{}b", "\u{301}".repeat(99)), 99).chars().count(), 17);
    }

    #[test]
    fn what_is_written_for_a_character_is_never_cut() {
        fn entities<'t>(_: Option<&str>, one: &'t str, _: Option<&str>) -> Cow<'t, str> {
            Cow::Borrowed(if one == "&" { "&amp;" } else { one })
        }
        assert_eq!(fit("&&&", 12, units, entities), "&amp;&amp;…");
        assert_eq!(fit("&&&", 10, units, entities), "&amp;…");
        assert_eq!(fit("&&&", 4, units, entities), "…");
    }

    #[test]
    fn only_plain_words_stand_in_commands() {
        assert!(is_plain_word("process_down") && is_plain_word("APR-3"));
        for word in ["", "a b", "$(reboot)", "-rf", "a;b", "ä", &"x".repeat(65)] {
            assert!(!is_plain_word(word), "{word}");
        }
    }

    #[test]
    fn bytes_are_counted_as_json_writes_them() {
        for text in ["plain", "\"\\", "ü\u{1f600}", "\u{1}"] {
            let written = serde_json::to_string(text).unwrap().len() - 2;
            assert_eq!(json_bytes(text), written, "{text:?}");
        }
    }
}
