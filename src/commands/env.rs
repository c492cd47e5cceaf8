//! `mesoslab env`: the lab's addresses as shell variables.

use crate::{cli, error::Result, settings::Settings};

pub fn run(settings: &Settings, args: &cli::Env) -> Result<()> {
    let (_, record) = settings.running()?;
    let endpoints = &record.endpoints;
    let host_port = endpoints.master.trim_start_matches("http://");
    let variables = [
        ("MESOS_MASTER", Some(host_port)),
        ("MESOSLAB_NAME", Some(record.spec.name.as_str())),
        ("MESOS_ZK", endpoints.zookeeper.as_deref()),
        ("MARATHON_URL", endpoints.marathon.as_deref()),
        ("EXHIBITOR_URL", endpoints.exhibitor.as_deref()),
        ("MESOSLAB_REGISTRY", endpoints.registry.as_deref().map(|url| url.trim_start_matches("http://"))),
        ("MESOSLAB_MASTER_URL", Some(endpoints.master.as_str())),
        ("MESOSLAB_SCHEDULER_URL", endpoints.scheduler.as_deref()),
    ];
    let mut text = String::new();
    for (name, value) in variables {
        if let Some(value) = value {
            text += &line(args, name, value);
        }
    }
    settings.printer.data(text)?;
    settings.printer.say(format!("# run this to use the lab in this shell: {}", usage(args)));
    Ok(())
}

fn line(args: &cli::Env, name: &str, value: &str) -> String {
    match (args.fish, args.unset) {
        (false, false) => format!("export {name}='{value}'\n"),
        (false, true) => format!("unset {name}\n"),
        (true, false) => format!("set -gx {name} '{value}'\n"),
        (true, true) => format!("set -e {name}\n"),
    }
}

fn usage(args: &cli::Env) -> &'static str {
    if args.fish { "mesoslab env --fish | source" } else { "eval \"$(mesoslab env)\"" }
}
