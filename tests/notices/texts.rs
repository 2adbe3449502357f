//! Strangers' texts, drawn at random: injections, long ones, and characters of every kind.

use proptest::prelude::*;
use proptest::sample::select;

/// What a stranger would like to be obeyed, or to break something.
const ATTACKS: [&str; 34] = [
    "<!channel>",
    "<@U024BE7LH>",
    "<!here|here>",
    "@everyone",
    "<#C1>",
    "<https://evil.example.test|x>",
    "*",
    "_",
    "~",
    "`",
    "```",
    "\n> ",
    "\n# ",
    "&",
    "&amp;",
    "&lt;!channel&gt;",
    "<script>alert(1)</script>",
    "\" onload=\"x",
    "' x='",
    "<img src=x>",
    "</td>",
    "<!--",
    "](javascript:x)",
    "[a](https://evil.example.test)",
    "||",
    "\\",
    "\\*",
    "<:x:1>",
    "{{DATE(x)}}",
    "\r\nBcc: a@example.test\r\n\r\n",
    "$(reboot)",
    "\u{202e}",
    "\u{2066}\u{202d}\u{200f}",
    "\0\u{1b}[31m\u{7}\u{85}",
];

/// Characters that people write, each of them one for a reader.
pub(crate) const CHARACTERS: [&str; 16] = [
    "a",
    "B",
    "7",
    "é",
    "e\u{301}",
    "ß",
    "日",
    "한",
    "ع",
    "न\u{947}",
    "👍",
    "👍🏽",
    "👨‍👩‍👧‍👦",
    "🇩🇪",
    "❤\u{fe0f}",
    "🏳\u{fe0f}‍🌈",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&ATTACKS[..]).prop_map(str::to_owned),
        4 => select(&CHARACTERS[..]).prop_map(str::to_owned),
        2 => select(&[" ", "  ", "\t", "\n", "\u{a0}", "\u{2028}", "\u{200b}", "\u{e0041}", "\u{feff}", "\u{301}"][..])
            .prop_map(str::to_owned),
        3 => "[a-z_]{1,12} ",
        1 => any::<char>().prop_map(String::from),
    ]
}

/// A text of a stranger: mostly short, sometimes of a million characters.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(piece(), 0..12).prop_map(|all| all.concat());
    let long = prop_oneof![
        60 => Just(1_usize),
        20 => 2..200_usize,
        6 => 1_000..5_000_usize,
        1 => Just(1_000_000_usize),
    ];
    (pieces, long).prop_map(|(pieces, times)| {
        let most = 1_000_000 / pieces.chars().count().max(1);
        pieces.repeat(times.min(most + 1))
    })
}

/// What should be a word, and mostly is one.
pub(crate) fn word() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z]{1,8}_[a-z]{1,8}", 1 => text()]
}
