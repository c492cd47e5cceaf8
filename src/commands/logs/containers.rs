//! The logs of a lab of containers, as the engine keeps them: of one, or of all interleaved by their times, each line
//! with its container's name before it.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use bollard::{container::LogOutput, query_parameters::LogsOptionsBuilder};
use futures_util::{
    StreamExt as _,
    stream::{self, LocalBoxStream},
};

use crate::{
    cli,
    commands::containers,
    error::{Failure, Result},
    printer::Printer,
    provider::{docker::DockerLab, state::LabRecord},
    runtime::Clock,
    settings::Settings,
};

/// Colours of names, as they follow each other.
const COLOURS: [&str; 6] = ["36", "33", "32", "35", "34", "31"];

/// From the end of a container's log to the next look for it.
const REOPEN: Duration = Duration::from_millis(500);

/// A container whose log is read.
struct Source {
    service: String,
    id: String,
    colour: &'static str,
}

/// A line with the time at which the engine took it down.
struct Line {
    time: String,
    text: String,
    from: usize,
}

/// # Errors
/// When the engine does not answer, or the lab has no such component.
pub async fn show(
    settings: &Settings,
    args: &cli::Logs,
    record: &LabRecord,
    component: Option<&str>,
    clock: Clock,
) -> Result<()> {
    let Some(there) = &record.containers else { return Ok(()) };
    let lab = containers::lab(record, there, clock).await?;
    let sources = sources(&lab, record, component).await?;
    let width = sources.iter().map(|source| source.service.len()).max().unwrap_or_default();
    let alone = component.is_some();
    let say = |line: &Line| -> Result<()> {
        let source = &sources[line.from];
        let name = if alone { String::new() } else { prefix(&settings.printer, source, width) };
        settings.printer.data(format!("{name}{}\n", line.text))
    };
    let begin = UNIX_EPOCH + Duration::from_secs_f64(clock.now().as_secs_f64());
    let begin = humantime::format_rfc3339_nanos(begin).to_string();
    let mut shown = vec![begin; sources.len()];
    for line in recent(&lab, &sources, args.tail).await {
        say(&line)?;
        shown[line.from] = line.time;
    }
    if !args.follow {
        return Ok(());
    }
    let mut lines = following(&lab, &sources, shown);
    while let Some(line) = lines.next().await {
        say(&line)?;
    }
    Ok(())
}

fn prefix(printer: &Printer, source: &Source, width: usize) -> String {
    let name = format!("{:<width$} |", source.service);
    format!("{} ", printer.paint(source.colour, &name))
}

async fn sources(lab: &DockerLab, record: &LabRecord, component: Option<&str>) -> Result<Vec<Source>> {
    let name = &record.spec.name;
    let listed = lab.containers().await;
    let listed = listed.map_err(|error| containers::failure(name, "no logs", &error))?;
    let wanted: BTreeMap<_, _> =
        listed.into_iter().filter(|(service, _)| component.is_none_or(|name| name == service)).collect();
    if wanted.is_empty() {
        let what = component.unwrap_or("container");
        return Err(Failure::failed(format!("lab `{name}` has no {what}")).hint("mesoslab status"));
    }
    let colours = COLOURS.into_iter().cycle();
    let source = |((service, container), colour): ((String, bollard::models::ContainerSummary), _)| Source {
        service,
        id: container.id.unwrap_or_default(),
        colour,
    };
    Ok(wanted.into_iter().zip(colours).map(source).collect())
}

/// What there is until now, in the order of time.
async fn recent(lab: &DockerLab, sources: &[Source], tail: Option<usize>) -> Vec<Line> {
    let options =
        options().follow(false).tail(&tail.map_or("all".to_owned(), |tail| tail.to_string())).build();
    let mut lines = Vec::new();
    for (from, source) in sources.iter().enumerate() {
        let mut output = lab.engine().api().logs(&source.id, Some(options.clone()));
        let mut text = String::new();
        while let Some(Ok(chunk)) = output.next().await {
            text.push_str(&text_of(&chunk));
        }
        lines.extend(text.lines().map(|line| parse(line, from)));
    }
    lines.sort_by(|a, b| a.time.cmp(&b.time));
    lines
}

/// What comes after the lines that were shown, as it comes. A service whose container has ended is looked for again: it may
/// be started anew, or be another container then.
fn following<'a>(
    lab: &'a DockerLab,
    sources: &'a [Source],
    shown: Vec<String>,
) -> impl futures_util::Stream<Item = Line> + Unpin + 'a {
    let one = move |(from, (source, last)): (usize, (&'a Source, String))| {
        let reader = Reader { lab, from, service: &source.service, last, again: true, output: None };
        let lines = stream::unfold(reader, |mut reader| async move { Some((reader.next().await, reader)) });
        lines.boxed_local()
    };
    stream::select_all(sources.iter().zip(shown).enumerate().map(one))
}

/// Reads the log of a service on and on, over the ends of its containers.
struct Reader<'a> {
    lab: &'a DockerLab,
    from: usize,
    service: &'a str,
    /// The time of the last line that was read, as the engine writes it.
    last: String,
    /// Whether what comes may have been read before: the engine gives the lines of the whole second.
    again: bool,
    output: Option<LocalBoxStream<'a, Line>>,
}

impl<'a> Reader<'a> {
    async fn next(&mut self) -> Line {
        loop {
            let output = match self.output.take() {
                Some(output) => self.output.insert(output),
                None => {
                    let opened = self.open().await;
                    self.output.insert(opened)
                }
            };
            match output.next().await {
                Some(line) if self.again && line.time <= self.last => {}
                Some(line) => {
                    self.again = false;
                    if line.time > self.last {
                        self.last.clone_from(&line.time);
                    }
                    return line;
                }
                None => {
                    self.output = None;
                    self.again = true;
                    tokio::time::sleep(REOPEN).await;
                }
            }
        }
    }

    /// The lines from the second of the last one on; none while there is no such container.
    async fn open(&self) -> LocalBoxStream<'a, Line> {
        let there = self.lab.containers().await.ok();
        let container = there.and_then(|mut there| there.remove(self.service));
        let Some(id) = container.and_then(|container| container.id) else {
            return stream::empty().boxed_local();
        };
        let from = self.from;
        let options = options().follow(true).since(seconds(&self.last)).tail("all").build();
        let output = self.lab.engine().api().logs(&id, Some(options));
        let lines = output.take_while(|chunk| std::future::ready(chunk.is_ok())).flat_map(move |chunk| {
            let text = chunk.map(|chunk| text_of(&chunk)).unwrap_or_default();
            stream::iter(text.lines().map(|line| parse(line, from)).collect::<Vec<_>>())
        });
        lines.boxed_local()
    }
}

/// The second of a time as the engine writes it.
fn seconds(time: &str) -> i32 {
    let since = humantime::parse_rfc3339(time).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i32::try_from(since.as_secs()).ok()).unwrap_or_default()
}

fn options() -> LogsOptionsBuilder {
    LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true)
}

fn text_of(chunk: &LogOutput) -> String {
    String::from_utf8_lossy(chunk.as_ref()).into_owned()
}

fn parse(line: &str, from: usize) -> Line {
    let (time, text) = line.split_once(' ').unwrap_or(("", line));
    Line { time: time.to_owned(), text: text.trim_end_matches('\r').to_owned(), from }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_line_is_told_from_its_time() {
        let line = parse("2026-11-29T01:07:30.480182Z INFO  elected\r", 2);
        assert_eq!(
            (line.time.as_str(), line.text.as_str(), line.from),
            ("2026-11-29T01:07:30.480182Z", "INFO  elected", 2)
        );
    }
}
