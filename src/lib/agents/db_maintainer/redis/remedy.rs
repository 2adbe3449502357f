//! What is done about it. Pure.

use super::fault::{MemoryLimit, RedisFault, SaveTrouble};
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Operation, Upkeep};

pub(in super::super) fn remedy(fault: &RedisFault) -> Remedy {
    let why = match fault {
        RedisFault::Unreachable { .. } => "it must answer before it can be tended",
        RedisFault::Memory { limit: MemoryLimit::Host, .. } => {
            "give it a limit and a policy that fit what it is for: maxmemory, maxmemory-policy"
        }
        RedisFault::Memory { limit: MemoryLimit::Refuses { .. }, .. } => {
            "what it holds is its owner's: raise maxmemory, or give keys an end and the server a policy"
        }
        RedisFault::Memory { .. } | RedisFault::Evicting { .. } => {
            "whether those keys may go its owner knows: raise maxmemory, or store less"
        }
        RedisFault::Unsaved { trouble: SaveTrouble::Late { .. }, .. } => {
            "a save that its server does not begin or end is seen in the server's log"
        }
        RedisFault::Unsaved { .. } => {
            "the server's log says why: most often its folder is gone, full, or not its own"
        }
        RedisFault::Fragmented { .. } => {
            "CONFIG SET activedefrag yes tidies up while it works, a restart at a quiet time too"
        }
        RedisFault::Clients { .. } => {
            "find who connects and does not let go: CLIENT LIST; then maxclients, or timeout"
        }
        RedisFault::CutOff { .. } => {
            "is that server up, and does its password (masterauth) hold? Which one is to be followed its owner knows"
        }
        RedisFault::Slow { .. } => {
            "long commands, forks and swapping are told by SLOWLOG GET and LATENCY DOCTOR"
        }
        RedisFault::ExpiredKept { busy: Some(busy), .. } => {
            return Remedy::Leave { why: format!("not now: {busy}") };
        }
        RedisFault::ExpiredKept { keyspace, .. } => {
            return Remedy::Act(Step {
                operation: Operation::tend(Upkeep::ReclaimExpired, keyspace.clone()),
                guard: Guard::SameData { measures: std::collections::BTreeMap::new() },
                why: "a server lets an expired key go as soon as a walk comes upon it".to_owned(),
            });
        }
    };
    Remedy::Leave { why: why.to_owned() }
}
