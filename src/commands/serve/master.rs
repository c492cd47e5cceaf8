//! `mesoslab serve master`: a master that takes the flags of `mesos-master`, until a signal ends it.

use crate::{
    commands::lab_process,
    error::{Context, Failure, Result},
    flags::{
        Component,
        master::{self, MasterSetup, Registry},
    },
    host::{
        self,
        master::{Contest, MasterHandle, WhenDeposed},
    },
    runtime::{Clock, Signals, Tasks},
    settings::Settings,
};

/// # Errors
/// Everything that is wrong with the flags; when it cannot listen or write where it is told to; when it has led and does
/// not lead any more.
pub async fn run(settings: &Settings, argv: &[String], clock: Clock) -> Result<()> {
    let setup = master::setup(argv, &super::variables());
    let setup = setup.map_err(|problems| super::wrong_flags(Component::Master, &problems))?;
    let mut signals = Signals::listen().context("listen for signals")?;
    lab_process::raise_open_files();
    super::log::start(&setup.logging)?;
    let tasks = Tasks::new();
    let master = start(settings, &tasks, clock, setup).await?;
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        reason = master.deposed() => Err(Failure::failed(reason)),
    };
    tasks.stop().await;
    ended
}

async fn start(settings: &Settings, tasks: &Tasks, clock: Clock, setup: MasterSetup) -> Result<MasterHandle> {
    let listener = super::bind(setup.listen.address).await?;
    let config = host::master::Config {
        advertise: setup.listen.advertised_elsewhere(),
        networks: super::admitted(
            (*setup.listen.address.ip()).into(),
            Some(&setup.listen.networks.join(",")),
        )?,
        registry: match setup.registry {
            Registry::InMemory => None,
            Registry::WorkDir(dir) => Some(dir),
        },
        ..setup.config.into()
    };
    let started = match setup.zookeeper {
        None => host::master::start(tasks, clock, listener, config),
        Some(url) => {
            let session_timeout = setup.session_timeout;
            let contest = Contest { url, session_timeout, when_deposed: WhenDeposed::End, seat: None };
            host::master::start_contending(tasks, clock, listener, config, contest)
        }
    };
    let master = started.context("start the master")?;
    if !setup.logging.quiet {
        let tick = settings.printer.tick();
        settings.printer.say(format!("  {tick} master  http://{}   Ctrl-C stops it", master.endpoint()));
    }
    Ok(master)
}
