//! `opsctl completions`: for every program of the package.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::app::exit::Exit;
use crate::app::{commands, out};

/// Writes the completions of `program` for `shell`.
///
/// # Errors
///
/// `output` cannot be written.
pub fn run(shell: Shell, program: &str, output: &mut impl Write) -> io::Result<Exit> {
    let Some(mut command) = commands::find(program) else {
        out::complain(&format!("there is no program called `{program}`"));
        return Ok(Exit::BadConfig);
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, program, &mut script);
    out::write_to(output, &String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_completions_of_every_program() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            for program in ["opsctl", "health-guardian"] {
                let mut script = Vec::new();
                assert_eq!(run(shell, program, &mut script).unwrap(), Exit::Clean);
                let script = String::from_utf8(script).unwrap();
                assert!(script.contains(if program == "opsctl" { "explain" } else { "replay" }));
            }
        }
        assert_eq!(run(Shell::Bash, "no-such", &mut Vec::new()).unwrap(), Exit::BadConfig);
    }
}
