//! `opsctl manual`: the manual pages of every program, made from the command lines that they understand.

use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::app::exit::Exit;
use crate::app::{commands, out};

/// Writes a page for every program and each of its verbs into `folder`, and their number to `output`.
///
/// # Errors
///
/// A page cannot be written.
pub fn run(folder: &Path, output: &mut impl Write) -> io::Result<Exit> {
    std::fs::create_dir_all(folder)?;
    let mut written = 0;
    for program in commands::all() {
        let mut program = program.disable_help_subcommand(true);
        program.build();
        written += page_and_below(&program, folder)?;
    }
    let words = format!("wrote {written} manual pages into {}\n", folder.display());
    out::write_to(output, &words)?;
    Ok(Exit::Clean)
}

/// The page of a program or a verb, and those of the verbs below it.
fn page_and_below(command: &Command, folder: &Path) -> io::Result<usize> {
    let mut written = 1;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        written += page_and_below(verb, folder)?;
    }
    std::fs::write(folder.join(format!("{}.1", commands::name(command))), page(command)?)?;
    Ok(written)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let name = commands::name(command).to_owned();
    let mut command = command.clone();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    // A page's first line names the program anyway.
    if let Some(rest) = about.strip_prefix(&format!("{name}: ")) {
        command = command.about(rest.to_owned());
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_verbs = command.has_subcommands();
    let man = Man::new(command)
        .title(name)
        .source(concat!("opswarden ", env!("CARGO_PKG_VERSION")))
        .manual("opswarden");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_verbs {
        man.render_subcommands_section(&mut text)?;
    }
    closing(&after).to_writer(&mut text)?;
    Ok(text)
}

/// What stands below the options in `--help`, each paragraph with its heading as a section whose lines stay as they are.
fn closing(after: &str) -> Roff {
    let mut roff = Roff::new();
    for paragraph in after.split("\n\n") {
        let Some((heading, lines)) = paragraph.split_once(":\n") else { continue };
        roff.control("SH", [heading.to_uppercase().as_str()]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_and_verb_has_a_page_that_tells_what_its_help_tells() {
        let folder = tempfile::tempdir().unwrap();
        let mut said = Vec::new();
        assert_eq!(run(folder.path(), &mut said).unwrap(), Exit::Clean);
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let pages = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(String::from_utf8(said).unwrap().split(' ').nth(1), Some(&*pages.to_string()));
        let guardian = page("health-guardian.1");
        assert!(guardian.contains("health\\-guardian \\- finds broken"), "{guardian}");
        assert!(guardian.contains("\n75  already running"), "{guardian}");
        assert!(page("opsctl.1").contains("opsctl\\-pause(1)"));
        assert!(page("opsctl-pause.1").contains("Stop acting"));
        assert!(page("opsctl-schedule-next.1").contains("The next slots"));
        assert!(!folder.path().join("opsctl-demo-service.1").exists(), "hidden in the help");
    }
}
