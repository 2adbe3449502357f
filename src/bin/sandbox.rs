//! sandbox: a platform to practise on.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("sandbox")
}
