//! Runs the README's console examples one after the other, as a reader would, and holds what they print against the page.
//! Holds the lists of flags against the tables that they come from.
//!
//! Numbers, ids and padding may differ; a line `...` stands for any lines. A command that is to fail shows `error:`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use mesoslab::flags::{Component, Flag, Support};

use crate::support::Lab;

const README: &str = include_str!("../../README.md");

/// One command of a `console` block with the lines below it.
#[derive(Debug)]
struct Example {
    command: String,
    shown: Vec<String>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => {
                    examples.push(Example { command: command.to_owned(), shown: Vec::new() })
                }
                (None, Some(last)) => last.shown.push(line.to_owned()),
                (None, None) => {}
            },
        }
    }
    examples
}

/// A line with everything that differs from run to run taken out.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    for word in line.split_whitespace() {
        let is_id = word.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= 8);
        let word = if is_id {
            "ID".to_owned()
        } else {
            word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
        };
        let mut last = ' ';
        for c in word.chars() {
            if !(c == '0' && last == '0') {
                shape.push(c);
            }
            last = c;
        }
        shape.push(' ');
    }
    shape.replace("0.0", "0")
}

/// Whether the lines fit, with `...` for any number of lines.
fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "..." => (0..=printed.len()).any(|skip| fits(rest, &printed[skip..])),
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| shape(line) == shape(first) && fits(rest, others)),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "says what it skips")]
fn the_tutorial_does_what_the_page_shows() {
    let examples = examples();
    assert!(examples.len() > 8, "the README has its tutorial");
    let lab = Lab::for_readme();
    for example in &examples {
        if example.command.contains("curl") && lab.shell("command -v curl").0 != 0 {
            println!("skipped, there is no curl: {}", example.command);
            continue;
        }
        let (code, printed) = lab.shell(&example.command);
        let lines: Vec<String> = printed.lines().map(str::to_owned).collect();
        assert!(
            fits(&example.shown, &lines),
            "$ {}\nthe page shows:\n{}\nit printed:\n{printed}",
            example.command,
            example.shown.join("\n"),
        );
        let fails = example.shown.iter().any(|line| line.starts_with("error:"));
        assert_eq!(code != 0, fails, "$ {}\n{printed}", example.command);
    }
}

#[test]
fn the_default_lab_file_stands_in_the_page() {
    let file = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/mesoslab.toml"))
        .expect("file");
    assert!(README.contains(file.trim_end()), "README.md shows lab/mesoslab.toml as it is");
}

#[test]
fn every_command_stands_in_the_page() {
    let lab = Lab::new();
    let help = lab.ok(&["help"]).stdout();
    for line in
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty())
    {
        let command = line.split_whitespace().next().expect("a name");
        assert!(
            command == "help"
                || README.contains(&format!("`mesoslab {command}"))
                || README.contains(&format!("`{command}`")),
            "{command}"
        );
    }
}

/// One line for each flag that does something, and whose it is.
fn implemented() -> Vec<String> {
    let [master, agent] = [Component::Master, Component::Agent].map(|component| {
        let flags = component.flags().into_iter();
        let does_something = |flag: &&Flag| matches!(flag.support, Support::Implemented | Support::Ours);
        flags.filter(does_something).map(described).collect::<BTreeSet<_>>()
    });
    let whose = |line: &(String, String)| match (master.contains(line), agent.contains(line)) {
        (true, true) => "both",
        (true, false) => "master",
        _ => "agent",
    };
    master.union(&agent).map(|line| format!("| `{}` | {} | {}", line.0, whose(line), line.1)).collect()
}

fn described(flag: &Flag) -> (String, String) {
    let default =
        flag.default.map(|default| format!("`{}`", default.replace('|', "\\|"))).unwrap_or_default();
    let ours = if flag.support == Support::Ours { " (ours)" } else { "" };
    (flag.name.to_owned(), format!("{default} | {}{ours} |", flag.help.replace('|', "\\|")))
}

/// The other flags by the reason why they do nothing.
fn without_effect() -> Vec<String> {
    let mut reasons: BTreeMap<(u8, String), BTreeSet<String>> = BTreeMap::new();
    for flag in [Component::Master, Component::Agent].map(|component| component.flags()).into_iter().flatten()
    {
        let (reason, name) = match flag.support {
            Support::Implemented | Support::Ours => continue,
            Support::Ignored(why) => ((0, format!("accepted, {why}")), format!("`{}`", flag.name)),
            Support::Only(values, why) => (
                (1, format!("accepted as it stands here, {why}")),
                format!("`{}={}`", flag.name, values.join(",")),
            ),
            Support::Refused { why, instead } => (
                (2, format!("refused, {why}; {instead}").replace("; leave it out", "")),
                format!("`{}`", flag.name),
            ),
        };
        reasons.entry(reason).or_default().insert(name);
    }
    let line = |((_, reason), names): ((u8, String), BTreeSet<String>)| {
        format!("| {reason} | {} |", names.into_iter().collect::<Vec<_>>().join(", "))
    };
    reasons.into_iter().map(line).collect()
}

#[test]
fn every_flag_of_mesos_stands_in_the_page() {
    let lines = [implemented(), without_effect()].concat();
    let missing: Vec<_> = lines.iter().filter(|line| !README.lines().any(|shown| shown == *line)).collect();
    assert!(missing.is_empty(), "these lines are missing; all of them are:\n{}", lines.join("\n"));
    let shown = README.lines().filter(|line| line.starts_with("| accepted") || line.starts_with("| refused"));
    assert!(shown.clone().all(|line| lines.iter().any(|known| known == line)), "{shown:?}");
}
