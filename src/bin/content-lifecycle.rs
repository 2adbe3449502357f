//! content-lifecycle: finds expired, orphaned and broken content, archives what nothing shows, and proves it.

fn main() -> std::process::ExitCode {
    opswarden::app::program::main("content-lifecycle")
}
