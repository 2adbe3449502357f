//! health-guardian: finds broken services and processes, restarts them where that helps, and proves it.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("health-guardian")
}
