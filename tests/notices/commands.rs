//! The commands that messages, runbooks and pages tell people to type: `opsctl` understands each of them.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;
use opswarden::app::opsctl::args::Opsctl;
use opswarden::render::notice::mail;

use crate::samples;

/// The words of a command as a shell would split them: quotes hold together, and everything after a pipe is another command.
fn words(command: &str) -> Vec<String> {
    let own = command.split(" | ").next().unwrap_or_default();
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in own.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().expect("there is one").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn understood(command: &str) -> Result<(), clap::Error> {
    Opsctl::try_parse_from(words(command)).map(drop)
}

/// Every line of a message that is a command.
fn typed(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter_map(|line| line.find("opsctl ").map(|from| &line[from..]))
}

#[test]
fn every_command_in_a_message_is_one() {
    let mut count = 0;
    for (name, message) in samples::all() {
        for command in typed(&mail::mail(&message).text) {
            count += 1;
            understood(command).unwrap_or_else(|error| panic!("{name}: {command}\n{error}"));
        }
    }
    assert!(count > 40, "{count} commands are few");
}

#[test]
fn what_opsctl_does_not_know_is_noticed() {
    for wrong in ["opsctl acknowledge INC-1", "opsctl ack INC-1 --why x", "opsctl silence INC-1"] {
        assert!(understood(wrong).is_err(), "{wrong}");
    }
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).expect("it is a folder");
    let found = found.map(|entry| entry.expect("it is read").path());
    found.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// A page may name a command without its arguments, and leave out what is of no matter there.
#[test]
fn every_command_on_a_page_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = pages(root);
    all.extend(["docs", "docs/runbooks", "docs/adr"].iter().flat_map(|sub| pages(&root.join(sub))));
    let mut count = 0;
    for page in all {
        let text = std::fs::read_to_string(&page).expect("it is text");
        for command in text.split('`').filter(|part| part.starts_with("opsctl ")) {
            count += 1;
            let said = command.split_whitespace().collect::<Vec<_>>().join(" ");
            let said = said
                .replace("\\|", "|")
                .replace("--reason …", "--reason x")
                .replace(" …", "")
                .replace("[ROUTE]", "x");
            let Err(error) = understood(&said) else { continue };
            let short = matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            assert!(short, "{}: {command}\n{error}", page.display());
        }
    }
    assert!(count > 100, "{count} commands are few");
}
