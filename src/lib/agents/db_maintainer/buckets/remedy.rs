//! What is done about buckets: nothing, since what lies in them is not ours. Pure.

use super::BucketFault;

/// What a person should do.
pub(in super::super) const fn remedy(fault: &BucketFault) -> &'static str {
    match fault {
        BucketFault::Unreachable { .. } => "it must answer before anything is known of it",
        BucketFault::Full { .. } => "what of it may go its owner knows: opsctl db usage",
        BucketFault::Growing { .. } => "whether that is wanted its owner knows: opsctl db usage",
        BucketFault::Unfinished { .. } => {
            "whether one is still wanted its owner knows: opsctl db advice"
        }
    }
}
