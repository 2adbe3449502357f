//! HTTP around the model: requests in, replies out, faults on the way.

pub(crate) mod control;
pub(crate) mod faults;
pub(crate) mod gateway;
pub(crate) mod line;
pub(crate) mod listen;
pub(crate) mod reply;
pub(crate) mod shared;
pub(crate) mod throttle;
