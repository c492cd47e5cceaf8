//! `mesoslab serve master`: a master that takes the flags of `mesos-master`, until a signal ends it.

use crate::{
    commands::lab_process,
    error::{Context, Result},
    flags::{
        Component,
        master::{self, MasterSetup, Registry},
    },
    host,
    runtime::{Clock, Signals, Tasks},
    settings::Settings,
};

/// # Errors
/// Everything that is wrong with the flags; when it cannot listen or write where it is told to.
pub async fn run(settings: &Settings, argv: &[String], clock: Clock) -> Result<()> {
    let setup = master::setup(argv, &super::variables());
    let setup = setup.map_err(|problems| super::wrong_flags(Component::Master, &problems))?;
    let mut signals = Signals::listen().context("listen for signals")?;
    lab_process::raise_open_files();
    super::log::start(&setup.logging)?;
    let tasks = Tasks::new();
    start(settings, &tasks, clock, setup).await?;
    signals.next().await;
    tasks.stop().await;
    Ok(())
}

async fn start(settings: &Settings, tasks: &Tasks, clock: Clock, setup: MasterSetup) -> Result<()> {
    if let Registry::WorkDir(dir) = &setup.registry {
        std::fs::create_dir_all(dir).context(format_args!("make `{}`", dir.display()))?;
    }
    let listener = super::bind(setup.listen.address).await?;
    let master = host::master::start(tasks, clock, listener, setup.config).context("start the master")?;
    if !setup.logging.quiet {
        let tick = settings.printer.tick();
        settings.printer.say(format!("  {tick} master  http://{}   Ctrl-C stops it", master.endpoint()));
    }
    Ok(())
}
