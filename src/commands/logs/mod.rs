//! `mesoslab logs`: the log of a task, of a component, or of the whole lab.

mod containers;

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use crate::{
    cli,
    client::{Http, agent_files::AgentFiles, operator::Operator},
    cluster::component::Kind,
    commands::vagrant,
    error::{Context, Failure, Result},
    provider::scheduler_app::TASK_PREFIX,
    runtime::Clock,
    settings::Settings,
};

/// How often a followed log is looked at.
const FOLLOW: Duration = Duration::from_millis(200);

/// How far back the last lines of a sandbox file are looked for, in bytes.
const CHUNK: u64 = 64 * 1024;

pub async fn run(settings: &Settings, args: &cli::Logs, clock: Clock) -> Result<()> {
    match args.target.as_deref() {
        None => lab(settings, args, None, clock).await,
        Some(name) if is_component(name) => lab(settings, args, Some(name), clock).await,
        Some(task) => sandbox(settings, args, task).await,
    }
}

fn is_component(name: &str) -> bool {
    let numbered = |kind: &str| name.strip_prefix(kind).is_some_and(|number| number.parse::<u16>().is_ok());
    ["zookeeper", "exhibitor", "master", "marathon", "registry", "scheduler"].contains(&name)
        || numbered("master-")
        || numbered("agent-")
}

/// The parts of the program that a component's lines come from.
fn modules(kind: Kind) -> Vec<String> {
    let modules: &[&str] = match kind {
        Kind::ZooKeeper => &["host::zookeeper", "services::zookeeper"],
        Kind::Exhibitor => &["host::exhibitor", "services::exhibitor"],
        Kind::Master => &["host::master", "engine::master", "client::election"],
        Kind::Marathon => &["host::marathon", "services::marathon"],
        Kind::Registry => &["host::registry", "services::registry"],
        Kind::Scheduler => &["host::scheduler", "client::scheduler"],
        Kind::Agent => &[],
    };
    modules.iter().map(|module| (*module).to_owned()).collect()
}

async fn lab(settings: &Settings, args: &cli::Logs, component: Option<&str>, clock: Clock) -> Result<()> {
    let (state, record) = settings.record()?;
    if vagrant::is_of_machines(&record) {
        return vagrant::journal(settings, component, args);
    }
    let marks = match component {
        Some("scheduler") if record.endpoints.marathon.is_some() && state.is_running() => {
            let task = scheduler_task(&settings.operator()?).await?;
            return sandbox(settings, &cli::Logs { stderr: true, ..args.clone() }, &task).await;
        }
        other if record.containers.is_some() => {
            return containers::show(settings, args, &record, other, clock).await;
        }
        None => Vec::new(),
        Some(name) if Kind::of(name) != Kind::Agent => modules(Kind::of(name)),
        Some(agent) => {
            let endpoints = &record.endpoints.agents;
            let known = endpoints.iter().find(|(name, _)| name.0 == agent);
            let (_, url) = known.ok_or_else(|| {
                Failure::failed(format!("this lab has no `{agent}`")).hint("mesoslab status")
            })?;
            vec![url.trim_start_matches("http://").to_owned()]
        }
    };
    let wanted = |line: &&str| marks.is_empty() || marks.iter().any(|mark| line.contains(mark.as_str()));
    let mut file = FileTail::open(&state.log())?;
    let text = file.more()?;
    settings.printer.data(tail(text.lines().filter(wanted).collect(), args.tail))?;
    if !args.follow {
        return Ok(());
    }
    while state.is_running() {
        tokio::time::sleep(FOLLOW).await;
        settings.printer.data(tail(file.more()?.lines().filter(wanted).collect(), None))?;
    }
    Ok(())
}

/// The newest task in which Marathon runs our scheduler.
async fn scheduler_task(operator: &Operator) -> Result<String> {
    let tasks = super::tasks::list(operator, true).await?;
    let ours = tasks.into_iter().filter(|task| task.id.starts_with(TASK_PREFIX));
    let newest = ours.max_by(|a, b| a.since.partial_cmp(&b.since).unwrap_or(std::cmp::Ordering::Equal));
    newest.map(|task| task.id).ok_or_else(|| {
        Failure::failed("Marathon has not started the scheduler").hint("mesoslab scheduler start")
    })
}

/// A file that grows.
struct FileTail(File);

impl FileTail {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self(File::open(path).context(format_args!("open `{}`", path.display()))?))
    }

    /// What came since the last time, up to the last whole line.
    fn more(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).context("read the log")?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = i64::try_from(bytes.len() - whole).unwrap_or_default();
        self.0.seek(SeekFrom::Current(-rest)).context("read the log")?;
        Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned())
    }
}

fn tail(lines: Vec<&str>, count: Option<usize>) -> String {
    let from = count.map_or(0, |count| lines.len().saturating_sub(count));
    lines[from..].iter().map(|line| format!("{line}\n")).collect()
}

async fn sandbox(settings: &Settings, args: &cli::Logs, text: &str) -> Result<()> {
    let operator = settings.operator()?;
    let task = super::tasks::find(super::tasks::list(&operator, true).await?, text)?;
    if task.agent.is_empty() {
        return Err(Failure::failed(format!(
            "the agent of task `{}` is gone, and its sandbox with it",
            task.id
        )));
    }
    let stream = if args.stderr { "stderr" } else { "stdout" };
    let path = format!("{}/{stream}", task.sandbox);
    let files = AgentFiles::new(Http::new(), &task.agent_url).context("talk to the agent")?;
    let offset = match args.tail {
        Some(lines) => last_lines(&files, &path, lines).await?,
        None => 0,
    };
    let mut follow = files.follow(&path, offset);
    loop {
        let over = !args.follow || ended(&operator, &task.id).await?;
        loop {
            let data =
                follow.available().await.context(format_args!("read {stream} of task `{}`", task.id))?;
            if data.is_empty() {
                break;
            }
            settings.printer.data(&data)?;
        }
        if over {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW).await;
    }
}

/// Where the last `lines` lines of a file begin, looking back as far as one chunk.
async fn last_lines(files: &AgentFiles, path: &str, lines: usize) -> Result<u64> {
    let size = files.read(path, 0, 0).await.context("read the size of the log")?.size;
    let from = size.saturating_sub(CHUNK);
    let chunk = files.read(path, from, CHUNK).await.context("read the end of the log")?;
    let text = chunk.data.strip_suffix(b"\n").unwrap_or(&chunk.data);
    let breaks: Vec<_> =
        text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let start = match lines {
        0 => chunk.data.len(),
        _ => breaks.len().checked_sub(lines).map_or(0, |index| breaks[index] + 1),
    };
    Ok(from + start as u64)
}

async fn ended(operator: &Operator, id: &str) -> Result<bool> {
    let tasks = super::tasks::list(operator, true).await?;
    Ok(tasks.iter().rfind(|task| task.id == id).is_none_or(|task| super::tasks::has_ended(&task.state)))
}

#[cfg(test)]
mod tests {
    use super::{is_component, tail};

    #[test]
    fn components_are_told_from_tasks() {
        assert!(
            ["master", "master-2", "zookeeper", "marathon", "registry", "scheduler", "agent-12"]
                .into_iter()
                .all(is_component)
        );
        assert!(!["agent-x", "mesoslab-1", "masters"].into_iter().any(is_component));
    }

    #[test]
    fn a_tail_is_cut_from_the_front() {
        assert_eq!(tail(vec!["a", "b", "c"], Some(2)), "b\nc\n");
        assert_eq!(tail(vec!["a"], Some(5)), "a\n");
        assert_eq!(tail(vec!["a"], None), "a\n");
    }
}
