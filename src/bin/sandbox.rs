//! sandbox: a platform to practise on.

fn main() -> std::process::ExitCode {
    opswarden::app::sandbox::sandbox_main()
}
