//! Writing to the standard streams. A reader that goes away is no error: the rest is not written.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::render::style::{Style, Terminal};

use super::cli::Output;
use super::config::Environ;
use super::documents::Failure;
use super::exit::Exit;

/// Writes `text` as it stands.
///
/// # Errors
///
/// The stream cannot be written, except where its reader has closed it.
pub fn write_to(stream: &mut impl Write, text: &str) -> io::Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes `text` and a newline to standard output.
///
/// # Errors
///
/// Standard output cannot be written, except where its reader has closed it.
pub fn say(text: &str) -> io::Result<()> {
    write_to(&mut io::stdout().lock(), &format!("{}\n", text.trim_end_matches('\n')))
}

/// Writes `text` and a newline to standard error. Where even that fails there is nobody left to tell.
pub fn complain(text: &str) {
    let _ = write_to(&mut io::stderr().lock(), &format!("{}\n", text.trim_end_matches('\n')));
}

/// Tells that a program cannot answer, and why; a program that reads gets a document, too.
#[must_use]
pub fn fail(form: Output, message: &str, exit: Exit) -> Exit {
    complain(message);
    if form == Output::Json {
        let failure = Failure { error: message.trim_end().to_owned(), exit: exit.code() };
        // Standard error has been told already.
        let _ = say(&format!("{:#}", serde_json::json!(failure)));
    }
    exit
}

fn terminal(stream: &impl IsTerminal) -> Terminal {
    if stream.is_terminal() { Terminal::Yes } else { Terminal::No }
}

/// The style of standard output.
#[must_use]
pub fn style(environ: &Environ) -> Style {
    Style::of(terminal(&io::stdout()), environ.get("NO_COLOR"), environ.get("TERM"))
}

/// The style of standard error, where it is a terminal.
#[must_use]
pub fn error_style(environ: &Environ) -> Option<Style> {
    match terminal(&io::stderr()) {
        Terminal::Yes => {
            Some(Style::of(Terminal::Yes, environ.get("NO_COLOR"), environ.get("TERM")))
        }
        Terminal::No => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        assert!(write_to(&mut Broken(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write_to(&mut Broken(ErrorKind::StorageFull), "x").is_err());
    }
}
