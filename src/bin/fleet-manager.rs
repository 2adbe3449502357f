//! fleet-manager: finds displays that are silent, ill or blank, reaches those that can be reached, and proves it.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("fleet-manager")
}
