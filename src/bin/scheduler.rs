//! scheduler: waits for the slots of every agent and starts the agents.

fn main() -> std::process::ExitCode {
    opswarden::app::program::scheduler()
}
