//! What Slack's words for "no" mean: its documentation of incoming webhooks, `chat.postMessage` and `chat.update`.

/// What a word means for the message that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing was done, and the same may work later.
    Later,
    /// The earlier message cannot be edited or continued.
    Gone,
    /// Slack itself does not know what it has done.
    Unknown,
    /// Nothing was done, and this must be changed.
    Refused(&'static str),
}

/// What `word` means.
pub(super) fn meaning(word: &str) -> Meaning {
    match word {
        "ratelimited"
        | "rate_limited"
        | "message_limit_exceeded"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "accesslimited" => Meaning::Later,
        "message_not_found"
        | "cant_update_message"
        | "edit_window_closed"
        | "thread_not_found"
        | "cannot_reply_to_message"
        | "restricted_action_thread_locked" => Meaning::Gone,
        "internal_error" | "fatal_error" => Meaning::Unknown,
        _ => Meaning::Refused(advice(word)),
    }
}

fn advice(word: &str) -> &'static str {
    match word {
        "channel_not_found" | "user_not_found" => {
            "check the channel, by its id; a private one must have the bot as a member"
        }
        "not_in_channel" => "invite the bot into the channel: /invite @name-of-the-bot",
        "is_archived" | "channel_is_archived" => {
            "name another channel, or take this one out of the archive"
        }
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "not_allowed_token_type" => "set the bot's present token, which begins with xoxb-",
        "missing_scope" | "no_permission" => {
            "give the app the scope chat:write and install it again"
        }
        "ekm_access_denied"
        | "org_login_required"
        | "access_denied"
        | "two_factor_setup_required"
        | "team_access_not_granted" => "ask an administrator of the workspace to allow the app",
        "no_service" | "no_active_hooks" | "no_team" | "invalid_token" | "team_disabled" => {
            "the webhook was revoked: make a new one and set its address"
        }
        "action_prohibited"
        | "posting_to_general_channel_denied"
        | "restricted_action"
        | "restricted_action_read_only_channel" => {
            "an administrator of the workspace forbids to post there: name another channel, or ask them"
        }
        "invalid_payload"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "invalid_arguments"
        | "invalid_attachments"
        | "no_text"
        | "msg_too_long"
        | "msg_blocks_too_long"
        | "too_many_attachments"
        | "invalid_json"
        | "json_not_object"
        | "invalid_post_type" => {
            "the message's form is at fault, which is for opswarden's developers to change"
        }
        _ => "look the word up in Slack's documentation of chat.postMessage",
    }
}

/// The word that an answer consists of, if it is one.
pub(super) fn word(text: &str) -> Option<&str> {
    const LONGEST: usize = 64;
    let text = text.trim();
    let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(part)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_is_a_word() {
        assert_eq!(word(" no_service\n"), Some("no_service"));
        for text in ["", "<html>", "No Service", &"x".repeat(65)] {
            assert_eq!(word(text), None, "{text}");
        }
    }

    #[test]
    fn a_word_that_nobody_knows_is_a_refusal() {
        assert!(
            matches!(meaning("brand_new"), Meaning::Refused(advice) if advice.contains("documentation"))
        );
    }
}
