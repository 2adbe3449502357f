//! The platform's state: typed rows, no HTTP. Everything here is a function of the rows and of the moment.

pub(crate) mod content;
pub(crate) mod display;
pub(crate) mod jobs;
pub(crate) mod schedule;
pub(crate) mod session;
pub(crate) mod table;
pub(crate) mod tenant;
pub(crate) mod world;
