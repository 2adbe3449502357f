//! db-maintainer: keeps data stores healthy, and proves backups by restoring them.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("db-maintainer")
}
