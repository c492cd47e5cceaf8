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
    let listener = super::bind(setup.listen.address).await?;
    let config = host::master::Config {
        advertise: setup.listen.advertised_elsewhere(),
        networks: super::networks(&setup.listen)?,
        registry: match setup.registry {
            Registry::InMemory => None,
            Registry::WorkDir(dir) => Some(dir),
        },
        ..setup.config.into()
    };
    let master = host::master::start(tasks, clock, listener, config).context("start the master")?;
    if !setup.logging.quiet {
        let tick = settings.printer.tick();
        settings.printer.say(format!("  {tick} master  http://{}   Ctrl-C stops it", master.endpoint()));
    }
    Ok(())
}
