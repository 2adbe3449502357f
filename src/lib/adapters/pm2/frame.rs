//! The frames of PM2's own socket: a byte `0x10 | argc`, then for each argument a big-endian `u32` length and so
//! many bytes. An argument is `j:` and JSON, or `s:` and a text.

/// More arguments do not fit the first byte.
pub(super) const MOST_ARGUMENTS: usize = 15;
/// More bytes than this are no answer about the processes of one host.
pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;
const VERSION: u8 = 0x10;

/// An answer that is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoFrame {
    /// The first byte is another protocol's.
    #[error("the answer is not of the protocol that is known")]
    Version,
    /// It claims to be longer than any answer is.
    #[error("the answer is longer than 16 MiB")]
    TooLong,
}

/// One frame.
pub(super) fn encode(arguments: &[Vec<u8>]) -> Option<Vec<u8>> {
    let count = u8::try_from(arguments.len()).ok().filter(|n| usize::from(*n) <= MOST_ARGUMENTS)?;
    let mut frame = vec![VERSION | count];
    for argument in arguments {
        frame.extend_from_slice(&u32::try_from(argument.len()).ok()?.to_be_bytes());
        frame.extend_from_slice(argument);
    }
    Some(frame)
}

/// The arguments of a frame and its length.
type Frame<'a> = (Vec<&'a [u8]>, usize);

/// The first frame in `bytes`, or `None` while more bytes are needed.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Frame<'_>>, NoFrame> {
    let Some((first, _)) = bytes.split_first() else { return Ok(None) };
    if first & 0xf0 != VERSION {
        return Err(NoFrame::Version);
    }
    let mut arguments = Vec::new();
    let mut at = 1;
    for _ in 0..first & 0x0f {
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(None);
        };
        at += 4;
        let length = u32::from_be_bytes(*length) as usize;
        if length > MOST_BYTES - at.min(MOST_BYTES) {
            return Err(NoFrame::TooLong);
        }
        let Some(argument) = bytes.get(at..at + length) else { return Ok(None) };
        arguments.push(argument);
        at += length;
    }
    Ok(Some((arguments, at)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_is_written_as_pm2_reads_it() {
        let frame = encode(&[b"j:{}".to_vec(), b"s:1".to_vec()]).unwrap();
        assert_eq!(frame, b"\x12\0\0\0\x04j:{}\0\0\0\x03s:1");
    }

    #[test]
    fn another_protocol_and_a_monstrous_frame_are_refused_at_once() {
        assert_eq!(decode(b"HTTP/1.1 400"), Err(NoFrame::Version));
        assert_eq!(decode(b"\x11\xff\xff\xff\xff"), Err(NoFrame::TooLong));
    }

    proptest! {
        #[test]
        fn a_frame_survives_and_its_parts_never_pass_for_it(
            arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..15),
            cut in any::<proptest::sample::Index>(),
        ) {
            let frame = encode(&arguments).unwrap();
            let (read, length) = decode(&frame).unwrap().unwrap();
            prop_assert_eq!(read, arguments);
            prop_assert_eq!(length, frame.len());
            prop_assert_eq!(decode(&frame[..cut.index(frame.len())]), Ok(None));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Some((_, length))) = decode(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
