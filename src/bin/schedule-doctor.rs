//! schedule-doctor: finds schedules that cannot do what was wanted and displays without a plan, mends what can be taken back, and proves it.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("schedule-doctor")
}
