//! The flags for clap: it shows them in `--help`, man pages and completions, but does not parse them. What is typed after
//! `serve master` and `serve agent` goes behind a `--`, so that Mesos' own rules hold and every problem is told at once.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, builder::StyledStr};

use super::{Component, Flag, Support, value::Kind};

/// The flags of the command itself; clap's.
const OWN: [&str; 4] = ["--help", "--version", "--flags", "--output"];

/// The flags of a component; those that do nothing here are hidden.
pub fn arguments(component: Component) -> impl Iterator<Item = Arg> {
    let of_clap = ["help", "version", "quiet"];
    component.flags().into_iter().filter(move |flag| !of_clap.contains(&flag.name)).map(argument)
}

fn argument(flag: &'static Flag) -> Arg {
    let heading = match flag.support {
        Support::Ours => "Flags of our own",
        _ => "Flags of Mesos",
    };
    let arg = Arg::new(flag.name).long(flag.name).help(help(flag)).help_heading(heading);
    let arg = arg.hide(!matches!(flag.support, Support::Implemented | Support::Ours));
    match flag.kind {
        Kind::Bool => arg.action(ArgAction::SetTrue),
        kind => arg.action(ArgAction::Append).value_name(kind.word()),
    }
}

fn help(flag: &Flag) -> StyledStr {
    match flag.default {
        Some(default) => format!("{} [default: {default}]", flag.help).into(),
        None => flag.help.into(),
    }
}

/// The command line as clap is to see it.
pub fn for_clap(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut argv: Vec<OsString> = argv.into_iter().collect();
    let Some(at) = component_at(&argv) else { return argv };
    let (mut own, mut flags) = (Vec::new(), Vec::new());
    let mut rest = argv.split_off(at + 1).into_iter();
    while let Some(arg) = rest.next() {
        let takes_value = ["-o", "--output"].iter().any(|name| arg == *name);
        if !is_own(&arg) {
            flags.push(arg);
            continue;
        }
        own.push(arg);
        own.extend(takes_value.then(|| rest.next()).flatten());
    }
    argv.extend(own);
    argv.push("--".into());
    argv.extend(flags);
    argv
}

/// Where `master` or `agent` stands behind a `serve` that is the command: only options stand before it.
fn component_at(argv: &[OsString]) -> Option<usize> {
    let is_component = |arg: &OsString| arg == "master" || arg == "agent";
    let serve = argv.iter().position(|arg| arg == "serve")?;
    let is_option = |arg: &OsString| arg.to_string_lossy().starts_with('-');
    let before = argv.get(1..serve)?;
    let all_options =
        before.iter().enumerate().all(|(at, arg)| is_option(arg) || at > 0 && is_option(&before[at - 1]));
    (all_options && argv.get(serve + 1).is_some_and(is_component)).then_some(serve + 1)
}

fn is_own(arg: &OsStr) -> bool {
    let text = arg.to_string_lossy();
    let is_short = text.starts_with('-') && !text.starts_with("--") && text.len() > 1;
    let name = text.split('=').next().unwrap_or_default();
    is_short || OWN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> String {
        let argv = line.split(' ').map(OsString::from);
        for_clap(argv).join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn what_follows_the_component_is_not_for_clap() {
        for (typed, for_clap) in [
            ("mesoslab serve master --port=0 --quiet", "mesoslab serve master -- --port=0 --quiet"),
            ("mesoslab -n x serve agent --master h:1", "mesoslab -n x serve agent -- --master h:1"),
            ("mesoslab serve agent --help --x", "mesoslab serve agent --help -- --x"),
            ("mesoslab serve agent --flags -o json", "mesoslab serve agent --flags -o json --"),
            ("mesoslab serve master -v --port 1", "mesoslab serve master -v -- --port 1"),
        ] {
            assert_eq!(seen(typed), for_clap);
        }
    }

    #[test]
    fn other_commands_are_left_alone() {
        for line in
            ["mesoslab up --agents 3", "mesoslab serve scheduler --listen x", "mesoslab logs serve agent"]
        {
            assert_eq!(seen(line), line);
        }
    }
}
