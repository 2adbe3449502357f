//! What starts agents, as text for other programs: units of systemd, and an ecosystem file of PM2.

pub mod calendar;
pub mod pm2;
mod sandbox;
pub mod systemd;
