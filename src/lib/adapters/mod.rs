//! The crates and programs behind the ports. An adapter turns what the world says into the ports' types, and a
//! word, a field or an answer that it does not understand into blindness with a reason; it never judges.

pub mod agent_lock;
pub mod agent_process;
pub mod backup;
pub(crate) mod cause;
pub mod channel;
pub(crate) mod child;
pub mod command;
pub mod detached;
pub mod discreet;
pub(crate) mod disk_room;
pub mod elsewhere;
pub mod evidence;
pub mod host;
pub mod logs;
pub mod own_usage;
pub mod owner;
pub mod platform;
pub mod pm2;
pub mod postgres;
pub(crate) mod private_file;
pub mod probe;
mod proc_stat;
pub mod recorder;
pub mod redact;
pub mod redis;
pub(crate) mod retry_after;
pub mod s3;
pub mod store;
pub mod system_clock;
pub mod systemd;
pub(crate) mod tail;
pub mod time_source;
