//! `mesoslab serve`: one component in the foreground, as a process of its own.

mod agent;
mod executor;
mod exhibitor;
mod log;
mod marathon;
mod master;
mod registry;
mod zookeeper;

use std::net::{IpAddr, SocketAddr, SocketAddrV4};

use tokio::net::TcpListener;

use super::{scheduler, with};
use crate::{
    cli::{Component, ComponentArgs},
    error::{Context, Failure, Result},
    flags::{self, Problems, list},
    host::networks::Networks,
    printer::Rows,
    runtime::{self, Clock},
    settings::Settings,
};

pub fn run(settings: &Settings, component: Component, clock: Clock) -> Result<()> {
    match component {
        Component::ZooKeeper(args) => with(runtime::block_on_lab(zookeeper::run(settings, &args, clock))),
        Component::Scheduler(args) => with(runtime::block_on(scheduler::serve(settings, &args, clock))),
        Component::Marathon(args) => with(runtime::block_on_lab(marathon::run(settings, &args, clock))),
        Component::Registry(args) => with(runtime::block_on_lab(registry::run(settings, &args, clock))),
        Component::Exhibitor(args) => with(runtime::block_on(exhibitor::run(settings, &args, clock))),
        Component::Executor => with(runtime::block_on(executor::run(settings, clock))),
        Component::Master(master) if master.args.flags => {
            list(settings, flags::Component::Master, &master.args)
        }
        Component::Agent(agent) if agent.args.flags => list(settings, flags::Component::Agent, &agent.args),
        Component::Master(master) => {
            with(runtime::block_on_lab(master::run(settings, &master.args.given, clock)))
        }
        Component::Agent(agent) => {
            with(runtime::block_on_lab(agent::run(settings, &agent.args.given, clock)))
        }
    }
}

/// Prints every flag of a component.
fn list(settings: &Settings, component: flags::Component, args: &ComponentArgs) -> Result<()> {
    let entries = list::entries(component);
    settings.printer.show(args.output.output, &entries, |wide| {
        let mut rows = Rows::new(["flag", "value", "default", "support", "what"]);
        for entry in &entries {
            let what = match &entry.because {
                Some(because) if wide => format!("{} ({because})", entry.help),
                Some(because) => because.clone(),
                None => entry.help.to_owned(),
            };
            let default = entry.default.unwrap_or_default();
            rows.push([entry.flag, entry.value, default, entry.support, &what].map(str::to_owned));
        }
        rows
    })
}

/// The environment, as far as it is text.
fn variables() -> Vec<(String, String)> {
    let pair = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(pair).collect()
}

/// Everything that is wrong with a command line, at once.
fn wrong_flags(component: flags::Component, problems: &Problems) -> Failure {
    let command = format!("mesoslab {}", component.command());
    let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    let failure = match &lines[..] {
        [one] => Failure::usage(one),
        _ => Failure::usage(format!("`{command}` cannot go by {} of its flags", lines.len())).seen(lines),
    };
    failure.hint(format!("{command} --help; {command} --flags lists every flag of {}", component.program()))
}

/// Who may connect: this machine, the network of the address that is listened on, and what is allowed beside.
fn admitted(ip: IpAddr, allowed: Option<&str>) -> Result<Networks> {
    let own = if ip.is_unspecified() { Ok(Networks::loopback()) } else { Networks::of_interface(ip) };
    let own = own.context(format_args!("find the network of {ip}"))?;
    Ok(own.and(networks(allowed.unwrap_or_default())?))
}

/// Who may connect to what asks nobody for a password: this machine, and those who are named.
///
/// # Errors
/// When it is to listen in a network, and nobody of it is named.
pub(super) fn trusted(what: &str, listen: SocketAddr, allowed: Option<&str>) -> Result<Networks> {
    if allowed.is_none() && !listen.ip().to_canonical().is_loopback() {
        let message = format!(
            "cannot listen on {listen}: {what} has no login, so it listens on loopback addresses only, unless \
             --allow-networks names who else may connect"
        );
        return Err(Failure::usage(message).hint(format!("--listen 127.0.0.1:{}", listen.port())));
    }
    networks(allowed.unwrap_or_default())
}

fn networks(text: &str) -> Result<Networks> {
    Networks::parse(text).map_err(|error| Failure::usage(format!("the networks that are allowed: {error}")))
}

async fn bind(address: SocketAddrV4) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await.context(format_args!("listen on {address}"));
    bound.map_err(|failure| {
        failure.hint("--port=0 takes any free port; --ip must be an address of this machine")
    })
}
