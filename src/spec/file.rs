//! The lab file: TOML text to [`SpecLayer`], with all its problems at once.

use std::{error, fmt, ops::Range, sync::Arc};

use miette::{LabeledSpan, NamedSource, SourceSpan};
use toml::de::{DeTable, DeValue};

use super::{
    AgentGroup, Flavor, ImageSpec, MAX_AGENTS, MAX_MASTERS, PortLayer, ProviderKind, SchedulerCheck,
    SpecLayer, check,
    reader::{self, Mismatch, Table},
    vagrant,
};

/// One mistake in a lab file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// Where, in bytes from the start of the file.
    pub span: Range<usize>,
}

impl Problem {
    pub(super) fn new(message: String, help: impl Into<String>, span: Range<usize>) -> Self {
        Self { message, help: help.into(), span }
    }
}

/// Everything that is wrong with one lab file, in the order of the file.
#[derive(Debug)]
pub struct LabFileError {
    pub path: String,
    pub problems: Vec<Problem>,
    located: Vec<Located>,
}

impl LabFileError {
    /// Each mistake in its place, to be shown by a report handler.
    pub fn reports(&self) -> impl Iterator<Item = &dyn miette::Diagnostic> {
        self.located.iter().map(|located| located as &dyn miette::Diagnostic)
    }

    fn new(path: &str, text: &str, mut problems: Vec<Problem>) -> Box<Self> {
        problems.sort_by_key(|problem| problem.span.start);
        let source = Arc::new(NamedSource::new(path, text.to_owned()));
        let located = problems.iter().map(|problem| Located::new(&source, path, text, problem)).collect();
        Box::new(Self { path: path.to_owned(), problems, located })
    }
}

impl fmt::Display for LabFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "{} has {count} mistake{}", self.path, if count == 1 { "" } else { "s" })
    }
}

impl error::Error for LabFileError {}

/// One problem with the place in words, for the report.
#[derive(Debug)]
struct Located {
    source: Arc<NamedSource<String>>,
    title: String,
    help: String,
    span: SourceSpan,
}

impl Located {
    fn new(source: &Arc<NamedSource<String>>, path: &str, text: &str, problem: &Problem) -> Self {
        let line = text[..problem.span.start].matches('\n').count() + 1;
        Self {
            source: Arc::clone(source),
            title: format!("{path}:{line}: {}", problem.message),
            help: problem.help.clone(),
            span: problem.span.clone().into(),
        }
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl error::Error for Located {}

impl miette::Diagnostic for Located {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(self.source.as_ref())
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::underline(self.span))))
    }
}

pub(super) fn parse(
    path: &str,
    text: &str,
    complain: SchedulerCheck,
) -> Result<SpecLayer, Box<LabFileError>> {
    let (document, syntax) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = syntax.iter().map(|error| syntax_problem(error, text)).collect();
    // What a broken line leads to further down would only confuse.
    let mut meaning = Vec::new();
    let layer = layer(document.get_ref(), complain, &mut meaning);
    if problems.is_empty() {
        problems = meaning;
    }
    if problems.is_empty() { Ok(layer) } else { Err(LabFileError::new(path, text, problems)) }
}

fn syntax_problem(error: &toml::de::Error, text: &str) -> Problem {
    let span = error.span().unwrap_or_default();
    let span = span.start.min(text.len())..span.end.min(text.len());
    Problem::new(error.message().to_owned(), "see https://toml.io for the form of a TOML file", span)
}

fn layer(document: &DeTable<'_>, complain: SchedulerCheck, problems: &mut Vec<Problem>) -> SpecLayer {
    let mut layer = SpecLayer::default();
    let mut top = Table::new("", document);
    section(&mut top, "lab", problems, |table, problems| read_lab(table, problems, &mut layer));
    section(&mut top, "master", problems, |table, problems| read_master(table, problems, &mut layer));
    if let Some(entries) = entries(&mut top, "scheduler", problems) {
        layer.scheduler = check::scheduler(entries, complain, problems);
    }
    section(&mut top, "images", problems, |table, problems| read_images(table, problems, &mut layer));
    section(&mut top, "ports", problems, |table, problems| read_ports(table, problems, &mut layer));
    section(&mut top, "vagrant", problems, |table, problems| layer.vagrant = vagrant::read(table, problems));
    layer.agents = read_agents(&mut top, problems);
    top.finish(problems);
    layer
}

fn section<'t>(
    top: &mut Table<'_, 't>,
    name: &'static str,
    problems: &mut Vec<Problem>,
    read: impl FnOnce(&mut Table<'_, 't>, &mut Vec<Problem>),
) {
    if let Some(entries) = entries(top, name, problems) {
        let mut table = Table::new(name, entries);
        read(&mut table, problems);
        table.finish(problems);
    }
}

fn entries<'a, 't>(
    top: &mut Table<'a, 't>,
    name: &'static str,
    problems: &mut Vec<Problem>,
) -> Option<&'a DeTable<'t>> {
    let value = top.raw(name)?;
    reader::table(value.get_ref())
        .map_err(|mismatch| {
            let help = format!("write it as [{name}] with its keys below");
            problems.push(Problem::new(format!("`{name}` {}", mismatch.message), help, value.span()));
        })
        .ok()
}

fn read_lab(table: &mut Table<'_, '_>, problems: &mut Vec<Problem>, layer: &mut SpecLayer) {
    layer.name = table.take("name", problems, |value| check::lab_name(&reader::string(value)?));
    layer.provider = table.take("provider", problems, read_provider);
    layer.flavor = table.take("flavor", problems, read_flavor);
    let masters = table.take("masters", problems, |value| reader::integer(value, 1, MAX_MASTERS as u64));
    layer.masters = masters.map(|masters| masters as usize);
    layer.marathon = table.take("marathon", problems, reader::boolean);
}

fn read_provider(value: &DeValue<'_>) -> Result<ProviderKind, Mismatch> {
    match reader::string(value)?.as_str() {
        "auto" => Ok(ProviderKind::Auto),
        "embedded" => Ok(ProviderKind::Embedded),
        "docker" => Ok(ProviderKind::Docker),
        "vagrant" => Ok(ProviderKind::Vagrant),
        other => Err(Mismatch::new(
            format!("is `{other}`"),
            "write \"auto\", \"embedded\", \"docker\" or \"vagrant\"",
        )),
    }
}

pub(super) fn read_flavor(value: &DeValue<'_>) -> Result<Flavor, Mismatch> {
    match reader::string(value)?.as_str() {
        "apache" => Ok(Flavor::Apache),
        "lite" => Ok(Flavor::Lite),
        other => Err(Mismatch::new(format!("is `{other}`"), "write \"apache\" or \"lite\"")),
    }
}

fn read_images(table: &mut Table<'_, '_>, problems: &mut Vec<Problem>, layer: &mut SpecLayer) {
    for name in ImageSpec::NAMES {
        if let Some(image) = table.take(name, problems, check::image) {
            layer.images.0.insert(name.to_owned(), image);
        }
    }
}

fn read_master(table: &mut Table<'_, '_>, problems: &mut Vec<Problem>, layer: &mut SpecLayer) {
    layer.allocation_interval = table.take("allocation_interval", problems, check::duration);
    layer.offer_timeout = table.take("offer_timeout", problems, check::duration);
    layer.offer_freed_resources_at_once =
        table.take("offer_freed_resources_at_once", problems, reader::boolean);
    layer.zk_session_timeout = table.take("zk_session_timeout", problems, check::duration);
}

fn read_ports(table: &mut Table<'_, '_>, problems: &mut Vec<Problem>, layer: &mut SpecLayer) {
    let mut port = |key| table.take(key, problems, port);
    layer.ports = PortLayer {
        zookeeper: port("zookeeper"),
        exhibitor: port("exhibitor"),
        master: port("master"),
        agents: port("agents"),
        marathon: port("marathon"),
        registry: port("registry"),
        scheduler: port("scheduler"),
    };
}

fn port(value: &DeValue<'_>) -> Result<u16, Mismatch> {
    reader::integer(value, 0, u64::from(u16::MAX)).map(|port| port as u16)
}

fn read_agents(top: &mut Table<'_, '_>, problems: &mut Vec<Problem>) -> Option<Vec<AgentGroup>> {
    let value = top.raw("agents")?;
    let Some(list) = value.get_ref().as_array() else {
        let help = "write one [[agents]] table, with two brackets, per kind of agent";
        problems.push(Problem::new("`agents` is not a list of tables".into(), help, value.span()));
        return None;
    };
    let groups: Vec<AgentGroup> = list.iter().map(|entry| read_group(entry, problems)).collect();
    let count: usize = groups.iter().map(|group| group.count).sum();
    if count > MAX_AGENTS {
        let help = format!("lower the counts to {MAX_AGENTS} in all");
        problems.push(Problem::new(format!("{count} agents are too many"), help, value.span()));
    }
    Some(groups)
}

fn read_group(entry: &reader::Value<'_>, problems: &mut Vec<Problem>) -> AgentGroup {
    let mut group = AgentGroup::default();
    let Ok(entries) = reader::table(entry.get_ref()) else {
        let help = "write one [[agents]] table per kind of agent";
        problems.push(Problem::new("an entry of `agents` is not a table".into(), help, entry.span()));
        return group;
    };
    let mut table = Table::new("agents", entries);
    let count = table.take("count", problems, |value| reader::integer(value, 0, MAX_AGENTS as u64));
    group.count = count.map_or(group.count, |count| count as usize);
    if let Some(resources) = table.take("resources", problems, check::resources) {
        group.resources = resources;
    }
    if let Some(attributes) = table.take("attributes", problems, check::attributes) {
        group.attributes = attributes;
    }
    if let Some(hostname) = table.take("hostname", problems, check::hostname) {
        group.hostname = hostname;
    }
    table.finish(problems);
    group
}
