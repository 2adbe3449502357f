//! The same promises, held against the sandbox: what the client says is what the sandbox's own rows say, in both dialects.

mod faults;
mod ground;
mod limits;
mod lists;
mod raw;
mod walks;
mod writes;
