//! Parses the command line, runs the command, and exits with its code.

fn main() -> std::process::ExitCode {
    mesoslab::run()
}
