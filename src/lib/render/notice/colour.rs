//! The colours of messages: strong enough to be seen on white and on black.

use crate::render::style::Tone;

/// The colour of a tone, as red, green and blue.
pub(super) const fn rgb(tone: Tone) -> u32 {
    match tone {
        Tone::Good => 0x2e_8b_57,
        Tone::Warn => 0xd9_8e_04,
        Tone::Bad => 0xd0_35_2b,
        Tone::Dim | Tone::Strong => 0x80_88_90,
    }
}

/// The same as style sheets and Slack write it.
pub(super) fn hex(tone: Tone) -> String {
    format!("#{:06x}", rgb(tone))
}
