//! PM2: eyes and hands, through its socket or its command line.

mod cli;
mod frame;
mod manager;
mod rows;
mod socket;

pub use manager::{Pm2, Pm2Read};
