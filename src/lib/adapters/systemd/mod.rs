//! systemd, through `systemctl` and `journalctl`, for the units that settings name.

mod cgroup;
mod manager;
mod show;

pub use manager::Systemd;
