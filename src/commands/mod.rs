//! The subcommands, one file each, and how they are started.

mod agents;
mod attach;
mod bench;
mod build;
mod chaos;
mod compose;
mod config;
mod conformance;
mod containers;
mod docs;
mod doctor;
mod down;
mod env;
mod exec;
mod explain;
mod frameworks;
mod images;
mod init;
mod kill;
mod lab_process;
mod logs;
mod offers;
mod one_shot;
mod push;
mod scale;
mod scheduler;
mod serve;
mod status;
mod tasks;
mod tui;
mod up;
mod vagrant;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use serde::Serialize;

use crate::{
    cli::{Cli, Command, Format},
    error::{Code, Context, Failure, Result},
    flags::arguments,
    host::{guard, keeper},
    printer::Rows,
    provider::{
        ready::{self, NotReady},
        state::{Lock, StateDir},
    },
    runtime::{self, Clock},
    settings::Settings,
};

/// Parses the command line, runs the command, shows its failure, and gives the exit code.
pub fn run() -> ExitCode {
    if let Some(code) = guard::run_if_asked().or_else(keeper::run_if_asked) {
        return code;
    }
    let clock = Clock::start();
    let cli = Cli::parse_from(arguments::for_clap(std::env::args_os()));
    let settings = Settings::new(cli.global);
    match dispatch(&settings, cli.command, clock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => settings.printer.failure(&failure),
    }
}

/// Commands that need no runtime run as they are; a lab's process gets threads; the others share one thread.
fn dispatch(settings: &Settings, command: Command, clock: Clock) -> Result<()> {
    match command {
        Command::Init(args) => init::run(settings, &args),
        Command::Compose(args) => compose::run(settings, &args),
        Command::Env(args) => env::run(settings, &args),
        Command::Completions { shell } => docs::completions(settings, shell),
        Command::Man { directory } => docs::man(settings, directory.as_deref()),
        Command::LabProcess { state } => lab_process::run(state, clock),
        Command::Serve(args) => serve::run(settings, args.component, clock),
        Command::Tui(args) => with(runtime::block_on_lab(tui::run(settings, &args, clock))),
        Command::Up(args) if args.foreground => {
            lab_process::log_to_file_of(settings, &args)?;
            with(runtime::block_on_lab(up::run(settings, &args, clock)))
        }
        other => with(runtime::block_on(ask(settings, other, clock))),
    }
}

/// The commands that talk to a lab.
async fn ask(settings: &Settings, command: Command, clock: Clock) -> Result<()> {
    match command {
        Command::Up(args) => up::run(settings, &args, clock).await,
        Command::Down(args) => down::run(settings, &args, clock).await,
        Command::Status(args) => status::run(settings, &args, clock).await,
        Command::Doctor(output) => doctor::run(settings, &output).await,
        Command::Scale(args) => scale::run(settings, &args, clock).await,
        Command::Tasks(args) => tasks::run(settings, &args, clock).await,
        Command::Agents(output) => agents::run(settings, &output).await,
        Command::Offers(output) => offers::run(settings, &output, clock).await,
        Command::Frameworks(output) => frameworks::run(settings, &output).await,
        Command::Logs(args) => logs::run(settings, &args, clock).await,
        Command::Kill(args) => kill::run(settings, &args).await,
        Command::Exec(args) => exec::run(settings, &args).await,
        Command::Attach(args) => attach::run(settings, &args, clock).await,
        Command::Run(args) => one_shot::run(settings, &args, clock).await,
        Command::Explain(output) => explain::run(settings, &output).await,
        Command::Config(args) => config::run(settings, args.action).await,
        Command::Scheduler(args) => scheduler::run(settings, args.action, clock).await,
        Command::Chaos(args) => chaos::run(settings, &args, clock).await,
        Command::Bench(args) => bench::run(settings, &args, clock).await,
        Command::Conformance(args) => conformance::run(settings, &args, clock).await,
        Command::Build(args) => build::run(settings, &args).await,
        Command::Push(args) => push::run(settings, &args).await,
        Command::Images(args) => images::run(settings, &args).await,
        Command::Vagrant(args) => vagrant::run(settings, args.action, clock).await,
        Command::Init(_)
        | Command::Compose(_)
        | Command::Tui(_)
        | Command::Serve(_)
        | Command::Env(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::LabProcess { .. } => Ok(()),
    }
}

fn with(result: std::io::Result<Result<()>>) -> Result<()> {
    result.map_err(|error| Failure::failed(format!("failed to start a runtime: {error}")))?
}

/// Becomes the one command that changes the lab, when the one before is done.
async fn change_lock(
    settings: &Settings,
    state: &StateDir,
    clock: Clock,
    patience: Duration,
) -> Result<Lock> {
    if let Some(lock) = state.change_lock().context("lock the lab")? {
        return Ok(lock);
    }
    settings.printer.say("  waiting for another command that changes this lab");
    let free = async || match state.change_lock() {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(NotReady("another command is changing this lab".into())),
        Err(error) => Err(NotReady(error.to_string())),
    };
    ready::until(clock, patience, free).await.map_err(|busy| Failure::new(Code::NotReady, busy.to_string()))
}

/// For commands that talk while they work: their data is printed only where a program asked for it.
fn show_unless_table<T: Serialize>(settings: &Settings, format: Format, data: &T) -> Result<()> {
    match format {
        Format::Table | Format::Wide => Ok(()),
        Format::Json | Format::Yaml => settings.printer.show(format, data, |_| Rows::default()),
    }
}

/// `5s`, `12m`, `3h`, `4d`.
fn age(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7199 => format!("{}m", seconds / 60),
        7200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn ages_are_short() {
        assert_eq!([0.4, 119.0, 120.0, 7300.0, 200_000.0].map(super::age), ["0s", "119s", "2m", "2h", "2d"]);
    }
}
