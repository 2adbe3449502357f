//! The traits between judgement and the world. Traits only; no port type carries raw JSON.
//!
//! Ports are `dyn`, so their asynchronous methods return [`Pending`], written out without a macro.

use std::future::Future;
use std::pin::Pin;

pub mod actuators;
pub mod channel;
pub mod clock;
pub mod data_store;
pub mod host;
pub mod outbox;
pub mod platform;
pub mod probe;
pub mod processes;
pub mod recorder;
pub mod runner;
pub mod sensors;
pub mod slots;
pub mod store;

/// A boxed future of a port's method.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
