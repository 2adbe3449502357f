//! A mail server that goes wrong in every phase in turn: what is known of the letter then, and that it ends in time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use opswarden::adapters::channel::Mail;
use opswarden::ports::channel::{Channel as _, Delivery};

use crate::authority::Authority;
use crate::mail_dialogue::{Dialogue, Fault, PHASES, Phase};
use crate::mailers::{mail, mailer, settings, writing};
use crate::world::{LONG, Outcome, assert_outcome, ended_by, message, outcome};

/// Enough for the handshake on a slow machine; it passes as a whole where the server hangs.
const DEADLINE: Duration = Duration::from_secs(3);
/// More than the sockets of both sides hold together.
const LARGE_BYTES: usize = 900 * 1024;

struct Bench {
    authority: Authority,
}

impl Bench {
    fn server(&self, phase: Phase, fault: Fault) -> Dialogue {
        Dialogue::start(self.authority.good().acceptor(), phase, fault)
    }

    async fn deliver(&self, server: &Dialogue, deadline: Duration) -> Delivery {
        let mailer = mailer(settings(server.port), self.authority.trust());
        ended_by(deadline, mailer.deliver(&message(), None, deadline)).await
    }
}

fn bench() -> Bench {
    Bench { authority: Authority::new() }
}

/// A small letter is in the socket as a whole as soon as it may be sent.
const fn after(phase: Phase) -> Outcome {
    match phase {
        Phase::Body | Phase::Dot => Outcome::Unknown,
        Phase::Quit => Outcome::Sent,
        _ => Outcome::Later,
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_deadline_in_every_phase() {
    let bench = &bench();
    let all = PHASES.into_iter().map(|phase| async move {
        let server = bench.server(phase, Fault::Hang);
        let delivery = bench.deliver(&server, DEADLINE).await;
        assert_eq!(outcome(&delivery), after(phase), "{phase:?}: {delivery:?}");
    });
    join_all(all).await;
}

#[tokio::test]
async fn a_connection_that_breaks_means_what_was_known_of_the_letter() {
    let bench = bench();
    for phase in PHASES {
        let server = bench.server(phase, Fault::Reset);
        let delivery = bench.deliver(&server, LONG).await;
        assert_eq!(outcome(&delivery), after(phase), "{phase:?}: {delivery:?}");
    }
}

#[tokio::test]
async fn a_code_is_believed_in_every_phase() {
    let bench = bench();
    for phase in PHASES.into_iter().filter(|phase| !matches!(phase, Phase::Handshake | Phase::Body))
    {
        for (line, expected) in
            [("421 4.3.0 closing\r\n", Outcome::Later), ("554 5.0.0 no\r\n", Outcome::Refused)]
        {
            let expected = if phase == Phase::Quit { Outcome::Sent } else { expected };
            let server = bench.server(phase, Fault::Say(line));
            let delivery = bench.deliver(&server, LONG).await;
            assert_eq!(outcome(&delivery), expected, "{phase:?}: {delivery:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_the_letter_that_is_none_leaves_it_open() {
    let bench = bench();
    for line in ["354 go on\r\n", "what?\r\n", "199 hm\r\n"] {
        let server = bench.server(Phase::Dot, Fault::Say(line));
        let delivery = bench.deliver(&server, DEADLINE).await;
        assert_eq!(outcome(&delivery), Outcome::Unknown, "{line}: {delivery:?}");
    }
    let server = bench.server(Phase::Data, Fault::Say("250 thanks\r\n"));
    let delivery = bench.deliver(&server, DEADLINE).await;
    assert_outcome(&delivery, Outcome::Later, "does not want the letter now");
}

#[tokio::test]
async fn a_large_letter_that_got_stuck_on_its_way_surely_did_not_arrive() {
    let bench = bench();
    let line = format!("{}\n", "x".repeat(63));
    let text = line.repeat(LARGE_BYTES / line.len());
    for (fault, word) in [(Fault::Hang, "in time"), (Fault::Reset, "broken off")] {
        let server = bench.server(Phase::Body, fault);
        let text = text.clone();
        let form = Arc::new(move |message: &_| Mail { text: text.clone(), ..mail(message) });
        let mailer = writing(settings(server.port), bench.authority.trust(), form);
        let deadline = Duration::from_secs(6);
        let delivery = ended_by(deadline, mailer.deliver(&message(), None, deadline)).await;
        assert_outcome(&delivery, Outcome::Later, word);
    }
}

#[tokio::test]
async fn what_was_said_in_plain_text_is_not_taken_for_an_answer_later() {
    let bench = bench();
    let injected = "220 go ahead\r\n250-mail\r\n250 AUTH PLAIN\r\n235 welcome\r\n";
    let server = bench.server(Phase::StartTls, Fault::Say(injected));
    let delivery = bench.deliver(&server, DEADLINE).await;
    assert_outcome(&delivery, Outcome::Refused, "more than it was asked in plain text");
    assert_eq!(server.verbs(), ["EHLO", "STARTTLS"]);
    let server = bench.server(Phase::Ehlo, Fault::Say("250 AUTH PLAIN\r\n"));
    let delivery = bench.deliver(&server, DEADLINE).await;
    assert_outcome(&delivery, Outcome::Refused, "no STARTTLS");
    assert_eq!(server.verbs(), ["EHLO"], "no login is said in plain text");
}

#[tokio::test]
async fn a_server_that_talks_without_an_end_is_left_early() {
    let bench = bench();
    for (phase, babble) in [
        (Phase::Greeting, "220-more\r\n"),
        (Phase::Ehlo, "250-more\r\n"),
        (Phase::EhloAgain, "250-more\r\n"),
        (Phase::EhloAgain, "no end of a line "),
    ] {
        let server = bench.server(phase, Fault::Babble(babble));
        let delivery = bench.deliver(&server, LONG).await;
        let found = outcome(&delivery);
        assert!(matches!(found, Outcome::Later | Outcome::Refused), "{phase:?}: {delivery:?}");
    }
    let long = format!("{}250 AUTH PLAIN\r\n", "250-more\r\n".repeat(800)).leak();
    let server = bench.server(Phase::EhloAgain, Fault::Say(long));
    let delivery = bench.deliver(&server, LONG).await;
    assert_outcome(&delivery, Outcome::Later, "our greeting came to nothing");
    let server = bench.server(Phase::Greeting, Fault::Say("SSH-2.0-OpenSSH_9.2\r\n"));
    let delivery = bench.deliver(&server, LONG).await;
    assert_outcome(&delivery, Outcome::Refused, "no mail server");
}

#[tokio::test]
async fn a_whole_dialogue_says_what_it_must_and_no_more() {
    let bench = bench();
    let server = bench.server(Phase::Quit, Fault::Say("221 bye\r\n"));
    assert_eq!(outcome(&bench.deliver(&server, LONG).await), Outcome::Sent);
    let verbs = server.verbs();
    let expected = ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA"];
    assert_eq!(verbs[..expected.len()], expected);
    assert_eq!(verbs.last().map(String::as_str), Some("QUIT"));
}
