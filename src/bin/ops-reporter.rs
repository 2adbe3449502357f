//! ops-reporter: watches over the other agents, and sees to it that people are told.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("ops-reporter")
}
