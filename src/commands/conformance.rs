//! `mesoslab conformance`: whether a master and its agents do what Apache Mesos does, behaviour by behaviour.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    cli::{self, ConformanceFormat, Format},
    client::{self, operator::Operator},
    conformance::{
        self,
        check::Check,
        http::Address,
        report::{Done, Report, Verdict},
        run,
        site::{self, Options, Site},
    },
    error::{Context, Failure, Result},
    host::accounts::own_name,
    printer::Rows,
    runtime::{Clock, Signals},
    settings::Settings,
};

/// A check as `--list` shows it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    about: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_difference: Option<&'a str>,
}

/// # Errors
/// When a check fails, when there is no master, and for names that no check has.
pub async fn run(settings: &Settings, args: &cli::Conformance, clock: Clock) -> Result<()> {
    let checks = chosen(conformance::all(), &args.only)?;
    if args.list {
        return list(settings, args.output, &checks);
    }
    let operator = settings.operator()?;
    let site = found(settings, args, &operator).await?;
    let where_it_is = match &site.agent {
        Ok(agent) => format!("http://{} and the agent at http://{}", site.master, agent.address),
        Err(why) => format!("http://{}; {why}", site.master),
    };
    settings.printer.say(format!("looking at Mesos {} at {where_it_is}", site.version));
    let begun = clock.now();
    let done = made(settings, &site, &checks, clock).await;
    let left = site.clean().await;
    if !left.is_empty() {
        settings.printer.warn(format!("these frameworks could not be torn down: {}", left.join(", ")));
    }
    let Some(done) = done? else {
        return Err(Failure::failed("interrupted; all that was made is torn down"));
    };
    let seconds = (clock.now().since(begun).as_secs_f64() * 1000.0).round() / 1000.0;
    let agent = site.agent.as_ref().ok().map(|agent| format!("http://{}", agent.address));
    let master = format!("http://{}", site.master);
    let report = Report::new(master, site.version.clone(), agent, seconds, done);
    show(settings, args.output, &report)?;
    match report.failed {
        0 => Ok(()),
        failed => {
            Err(Failure::failed(format!("{failed} of {} checks failed", report.passed + report.failed)))
        }
    }
}

/// The checks whose name is one of these, or begins with one and a dot; all where none is named.
fn chosen(checks: Vec<Check>, only: &[String]) -> Result<Vec<Check>> {
    let is_named = |check: &Check, name: &str| {
        check
            .name
            .strip_prefix(name.trim_end_matches('.'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if let Some(unknown) = only.iter().find(|name| !checks.iter().any(|check| is_named(check, name))) {
        return Err(
            Failure::usage(format!("there is no check `{unknown}`")).hint("mesoslab conformance --list")
        );
    }
    let is_wanted = |check: &Check| only.is_empty() || only.iter().any(|name| is_named(check, name));
    Ok(checks.into_iter().filter(is_wanted).collect())
}

fn list(settings: &Settings, format: ConformanceFormat, checks: &[Check]) -> Result<()> {
    let listed: Vec<_> = checks
        .iter()
        .map(|check| Listed {
            name: check.name,
            about: &check.about,
            source: check.source,
            known_difference: check.differs,
        })
        .collect();
    let format = match format {
        ConformanceFormat::Json => Format::Json,
        ConformanceFormat::Table | ConformanceFormat::Junit => Format::Table,
    };
    settings.printer.show(format, &listed, |_| {
        let mut rows = Rows::new(["name", "source", "about"]);
        for check in &listed {
            rows.push([check.name.to_owned(), check.source.to_owned(), check.about.to_owned()]);
        }
        rows
    })
}

/// Finds the leading master and an agent that can be reached.
async fn found(settings: &Settings, args: &cli::Conformance, operator: &Operator) -> Result<Arc<Site>> {
    let master = settings.master()?;
    let no_mesos = |why: String| {
        Failure::failed(format!("there is no Mesos master at {master}: {why}"))
            .hint("name the address of a master, such as --master http://127.0.0.1:5050")
    };
    let asked = tokio::time::timeout(args.timeout, async {
        Ok::<_, client::ClientError>((operator.get_version().await?.version, operator.get_agents().await?))
    });
    let (version, agents) = match asked.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(no_mesos(client::chain(&error))),
        Err(_) => return Err(no_mesos(site::late(args.timeout))),
    };
    let registered: Vec<Address> = agents
        .agents
        .iter()
        .filter(|agent| agent.active)
        .filter_map(|agent| operator.url_of(agent)?.parse().ok())
        .collect();
    let leader: Address = address("--master", operator.master().as_str())?;
    let known = master.split(',').filter_map(|url| url.parse::<Address>().ok());
    let standbys = known.filter(|address| *address != leader && !master.starts_with("zk://")).collect();
    let agent = args.agent.as_deref().map(|agent| address("--agent", agent)).transpose()?;
    let options = Options {
        role: args.role.clone(),
        user: args.user.clone().unwrap_or_else(own_name),
        patience: args.timeout,
    };
    Ok(Site::new(leader, version, standbys, &registered, agent, options).await)
}

fn address(flag: &str, text: &str) -> Result<Address> {
    text.parse().map_err(|error| Failure::usage(format!("{flag}: {error}")))
}

/// Runs the checks to their end; nothing when Ctrl-C came before.
async fn made(
    settings: &Settings,
    site: &Arc<Site>,
    checks: &[Check],
    clock: Clock,
) -> Result<Option<Vec<Done>>> {
    let mut signals = Signals::listen().context("listen to signals")?;
    let bar = settings.printer.draws().then(|| settings.printer.spinner("checking"));
    let count = std::cell::Cell::new(0);
    let told = |done: &Done| {
        count.set(count.get() + 1);
        if let Some(bar) = &bar {
            bar.set_message(format!("{} of {}: {}", count.get(), checks.len(), done.name));
        }
    };
    let done = tokio::select! {
        done = run::run(site, checks, clock, told) => Some(done),
        () = signals.next() => None,
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(done)
}

fn show(settings: &Settings, format: ConformanceFormat, report: &Report) -> Result<()> {
    match format {
        ConformanceFormat::Table => settings.printer.data(table(settings, report)),
        ConformanceFormat::Json => settings.printer.show(Format::Json, report, |_| Rows::default()),
        ConformanceFormat::Junit => settings.printer.data(report.junit()),
    }
}

/// A line for each check, and below those that failed what was expected and what was seen.
fn table(settings: &Settings, report: &Report) -> String {
    let printer = &settings.printer;
    let width = report.checks.iter().map(|done| done.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for done in &report.checks {
        let (word, note) = match &done.verdict {
            Verdict::Passed => (printer.paint("32", "pass   "), ""),
            Verdict::Skipped { why } => (printer.paint("33", "skipped"), why.as_str()),
            Verdict::Failed { .. } => (printer.paint("1;31", "FAIL   "), done.about.as_str()),
        };
        out += format!("{word}  {:width$}  {note}", done.name).trim_end();
        out.push('\n');
        if let Verdict::Failed { expected, seen } = &done.verdict {
            out += &format!(
                "           expected  {}\n           seen      {}\n",
                one_line(expected),
                one_line(seen)
            );
            out += &format!("           source    {}\n", done.source);
            if let Some(row) = done.known_difference {
                out += &format!("           known     of mesoslab's own labs: {row}\n");
            }
        }
    }
    let Report { passed, failed, skipped, seconds, .. } = report;
    out + &format!("{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1} s\n")
}

fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn checks_are_chosen_by_name_and_by_group() {
        let names = |only: &[&str]| -> Result<usize> {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            Ok(chosen(conformance::all(), &only)?.len())
        };
        let all = names(&[]).expect("all");
        let first = conformance::all()[0].name;
        assert_eq!(names(&[first]).expect("one"), 1);
        let group = names(&["scheduler"]).expect("a group");
        assert!(group > 1 && group < all);
        assert_eq!(names(&["scheduler."]).expect("a group"), group);
        assert_eq!(names(&["schedul"]).expect_err("no group").code, Code::Usage);
    }
}
