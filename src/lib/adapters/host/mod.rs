//! The machine itself: what the kernel says of CPU, memory, load and file systems.

mod mounts;
mod reader;

pub use reader::Host;
