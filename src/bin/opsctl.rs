//! opsctl: the operator's tool. What is the state, why, and stop.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("opsctl")
}
