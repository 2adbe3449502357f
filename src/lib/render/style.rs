//! Colour, as a value that is passed along: only on a terminal, and never against `NO_COLOR`.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No escape sequence at all.
    Plain,
    /// The sixteen colours that every terminal has.
    Coloured,
}

/// What a piece of text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// All is well.
    Good,
    /// Degraded.
    Warn,
    /// Somebody must act.
    Bad,
    /// Of less importance.
    Dim,
    /// A heading.
    Strong,
}

impl Style {
    /// The style of an output stream: `terminal` says whether it is one, the others are the values of the
    /// variables `NO_COLOR` and `TERM`.
    #[must_use]
    pub fn of(terminal: Terminal, no_color: Option<&str>, term: Option<&str>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty()) || term == Some("dumb");
        match terminal {
            Terminal::Yes if !refused => Self::Coloured,
            Terminal::Yes | Terminal::No => Self::Plain,
        }
    }

    /// `text` in the colour of `tone`.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Whether a person sits at the other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// It is a terminal.
    Yes,
    /// It is a file, a pipe or a socket.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_needs_a_terminal_and_nobody_who_refuses_it() {
        assert_eq!(Style::of(Terminal::Yes, None, Some("xterm")), Style::Coloured);
        assert_eq!(Style::of(Terminal::Yes, Some(""), None), Style::Coloured);
        assert_eq!(Style::of(Terminal::Yes, Some("1"), None), Style::Plain);
        assert_eq!(Style::of(Terminal::Yes, None, Some("dumb")), Style::Plain);
        assert_eq!(Style::of(Terminal::No, None, None), Style::Plain);
    }

    #[test]
    fn plain_text_holds_no_escape_and_coloured_text_ends_its_colour() {
        assert_eq!(Style::Plain.paint(Tone::Bad, "x"), "x");
        assert_eq!(Style::Coloured.paint(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
