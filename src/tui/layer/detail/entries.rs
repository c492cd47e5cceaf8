//! The fields of everything that has a detail.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cluster::{
        ClusterView,
        agent::Agent,
        component::Component,
        framework::Framework,
        history::{self, Happening},
        offer::Offer,
        rows::Rows as _,
    },
    mesos::{resources::Resources, time::Time},
    scheduler::quantities::Quantities,
    tui::{
        layer::detail::{Entry, Kind, tasks},
        model::Selected,
        tables::meaning::{self, Sign, Tone},
        view::{text::clean, units},
    },
};

/// The head of a detail and its entries; none when the cluster does not know it.
pub(super) fn of(subject: &Selected, cluster: &ClusterView, now: Time) -> Option<(String, Vec<Entry>)> {
    let form = Form { cluster, now, entries: Vec::new() };
    match subject {
        Selected::Task(id) => cluster.tasks.find(id).map(|task| form.task(task)),
        Selected::Agent(id) => cluster.agents.find(id).map(|agent| form.agent(agent)),
        Selected::Framework(id) => cluster.frameworks.find(id).map(|framework| form.framework(framework)),
        Selected::Offer(id) => cluster.offers.find(id).map(|offer| form.offer(offer)),
        Selected::Component(name) => cluster.components.find(name).map(|component| form.component(component)),
        Selected::Event(key) => cluster.history.get(*key).map(|happening| form.event(happening)),
    }
}

/// Collects entries.
pub(super) struct Form<'a> {
    pub cluster: &'a ClusterView,
    pub now: Time,
    pub entries: Vec<Entry>,
}

impl Form<'_> {
    /// A field; not shown when nothing is known.
    pub fn field(&mut self, name: &'static str, text: impl AsRef<str>) -> &mut Self {
        self.toned(name, text, Tone::Plain)
    }

    pub fn toned(&mut self, name: &'static str, text: impl AsRef<str>, tone: Tone) -> &mut Self {
        self.push(Entry { name, text: clean(text.as_ref()).into_owned(), tone, ..Entry::default() })
    }

    pub fn linked(&mut self, name: &'static str, text: impl AsRef<str>, link: Selected) -> &mut Self {
        let link = self.knows(&link).then_some(link);
        self.push(Entry { name, text: clean(text.as_ref()).into_owned(), link, ..Entry::default() })
    }

    pub fn head(&mut self, text: impl Into<String>) -> &mut Self {
        self.entries.push(Entry { kind: Kind::Space, ..Entry::default() });
        self.push(Entry { kind: Kind::Head, text: text.into(), ..Entry::default() })
    }

    pub fn line(&mut self, text: impl AsRef<str>, tone: Tone, link: Option<Selected>) -> &mut Self {
        let text = clean(text.as_ref()).into_owned();
        self.push(Entry { kind: Kind::Line, text, tone, link, ..Entry::default() })
    }

    fn push(&mut self, entry: Entry) -> &mut Self {
        if !entry.text.is_empty() {
            self.entries.push(entry);
        }
        self
    }

    fn knows(&self, link: &Selected) -> bool {
        match link {
            Selected::Task(id) => self.cluster.tasks.key(id).is_some(),
            Selected::Agent(id) => self.cluster.agents.key(id).is_some(),
            Selected::Framework(id) => self.cluster.frameworks.key(id).is_some(),
            Selected::Offer(id) => self.cluster.offers.key(id).is_some(),
            Selected::Component(name) => self.cluster.components.key(name).is_some(),
            Selected::Event(key) => self.cluster.history.get(*key).is_some(),
        }
    }

    /// `12:04:05 (3m05s ago)`
    pub fn moment(&self, at: Option<Time>) -> String {
        let text = |at| format!("{} ({} ago)", units::clock(at), units::age(self.now.since(at)));
        at.map(text).unwrap_or_default()
    }

    pub fn state(&mut self, sign: Sign, since: Option<Time>) -> &mut Self {
        let since = since.map(|at| format!(" for {}", units::age(self.now.since(at)))).unwrap_or_default();
        self.toned("state", format!("{}{since}", sign.text()), sign.tone)
    }

    fn agent(mut self, agent: &Agent) -> (String, Vec<Entry>) {
        self.field("id", &agent.id)
            .field("name", &agent.name)
            .field("hostname", &agent.hostname)
            .field("url", &agent.url)
            .state(meaning::agent(agent.state), None);
        let (registered, again) = (self.moment(agent.registered), self.moment(agent.reregistered));
        self.field("registered", registered).field("again", again).field("version", &agent.version);
        self.field("attributes", agent.attributes.replace(';', ", "));
        let free = agent.total.minus(&agent.used).minus(&agent.offered);
        self.amounts(&[
            ("total", &agent.total),
            ("used", &agent.used),
            ("offered", &agent.offered),
            ("free", &free),
        ]);
        self.roles_of(agent);
        self.tasks(|task| task.agent_id == agent.id);
        (format!("agent {}", clean(&agent.name)), self.entries)
    }

    /// What of it is reserved for which role, and allocated to which.
    fn roles_of(&mut self, agent: &Agent) {
        let total = Resources::from(&agent.total_resources);
        let used = Resources::from(&agent.allocated_resources);
        let mut lines: Vec<String> = Vec::new();
        let unreserved = total.unreserved();
        if !unreserved.is_empty() {
            lines.push(format!("for all: {}", plain(&unreserved)));
        }
        lines.extend(labelled(total.reservations(), "reserved for"));
        lines.extend(labelled(used.allocations(), "used by"));
        if !lines.is_empty() {
            self.head("resources by role");
            for line in lines {
                self.line(line, Tone::Plain, None);
            }
        }
    }

    fn framework(mut self, framework: &Framework) -> (String, Vec<Entry>) {
        self.field("id", &framework.id)
            .field("name", &framework.name)
            .toned("", if framework.ours { "ours" } else { "" }, Tone::Info)
            .state(meaning::framework(framework.state), None)
            .field("roles", framework.roles.join(", "))
            .field("capabilities", framework.capabilities.join(", "))
            .field("user", &framework.user)
            .field("principal", &framework.principal)
            .field("hostname", &framework.hostname)
            .field("web", &framework.webui_url);
        let (registered, again) = (self.moment(framework.registered), self.moment(framework.reregistered));
        let failover = Duration::try_from_secs_f64(framework.failover_timeout).unwrap_or(Duration::MAX);
        self.field("registered", registered)
            .field("again", again)
            .field("failover", format!("{} to come back", units::age(failover)))
            .field("checkpoint", if framework.checkpoint { "yes" } else { "no" })
            .field("share", format!("{:.1} %", framework.share * 100.0))
            .field("offers", format!("{} outstanding", framework.offers));
        self.amounts(&[("used", &framework.used), ("offered", &framework.offered)]);
        self.tasks(|task| task.framework_id == framework.id);
        (format!("framework {}", clean(&framework.name)), self.entries)
    }

    fn offer(mut self, offer: &Offer) -> (String, Vec<Entry>) {
        let sign = meaning::verdict(offer.verdict);
        let at = self.moment(Some(offer.at));
        let filter = if offer.refuse_seconds > 0.0 {
            format!("not again for {} s", units::amount(offer.refuse_seconds))
        } else {
            String::new()
        };
        self.field("id", &offer.id)
            .toned("verdict", sign.text(), sign.tone)
            .field("why", &offer.reason)
            .field("filter", filter)
            .field("came", at)
            .linked("agent", &offer.agent, Selected::Agent(offer.agent_id.to_string()))
            .field("agent id", &offer.agent_id)
            .field("framework", &offer.framework)
            .field("role", &offer.role);
        self.amounts(&[("offered", &offer.resources)]);
        if !offer.tasks.is_empty() {
            self.head(format!("launched on it: {}", units::counted(offer.tasks.len() as u64, "task")));
            for id in &offer.tasks {
                let link = Selected::Task(id.clone());
                let link = self.knows(&link).then_some(link);
                self.line(id, Tone::Plain, link);
            }
        }
        (format!("offer {}", clean(&offer.id)), self.entries)
    }

    fn component(mut self, component: &Component) -> (String, Vec<Entry>) {
        let sign = meaning::component(component.health);
        let kind = format!("{:?}", component.kind).to_lowercase();
        let (started, ping) = (self.moment(component.started), self.moment(component.last_ping));
        let trip = component.round_trip.map(|trip| format!("{:.1} ms", trip.as_secs_f64() * 1000.0));
        self.field("name", &component.name)
            .field("kind", kind)
            .toned("health", sign.text(), sign.tone)
            .field("state", &component.state)
            .field("url", &component.url)
            .field("version", &component.version)
            .field("started", started)
            .field("restarts", format!("{} since we watch", component.restarts))
            .field("last answer", ping)
            .field("answered in", trip.unwrap_or_default());
        if let Some(container) = &component.container {
            let cores = container.cores.map(|cores| format!(", {cores:.2} cores")).unwrap_or_default();
            let memory = container.memory.map(|bytes| format!(", {:.1} MB", bytes as f64 / 1e6));
            self.field("container", format!("{}{cores}{}", container.state, memory.unwrap_or_default()));
        }
        let url = component.url.as_str();
        let agent = self.cluster.agents.iter().find(|agent| !url.is_empty() && agent.url == url);
        if let Some(agent) = agent {
            let (id, link) = (agent.id.clone(), Selected::Agent(agent.id.to_string()));
            self.linked("agent", id, link);
        }
        (format!("component {}", clean(&component.name)), self.entries)
    }

    fn event(mut self, happening: &Happening) -> (String, Vec<Entry>) {
        let sign = meaning::happening(happening.kind, happening.weight);
        let at = self.moment(Some(happening.at));
        self.field("at", at).toned("kind", sign.text(), sign.tone);
        match subject_of(happening, self.cluster) {
            Some(link) => self.linked("about", &happening.subject, link),
            None => self.field("about", &happening.subject),
        };
        self.field("text", &happening.text);
        (format!("event of {}", units::clock(happening.at)), self.entries)
    }

    /// A table: one line per resource, one column per name.
    pub fn amounts(&mut self, columns: &[(&str, &Quantities)]) {
        let heads: String = columns.iter().map(|(name, _)| format!("{name:>10}")).collect();
        self.head(format!("{:<6}{heads}", "resources"));
        type Of = fn(&Quantities) -> String;
        let rows: [(&str, Of); 4] = [
            ("cpus", |of| units::amount(of.cpus)),
            ("mem", |of| units::megabytes(of.mem)),
            ("disk", |of| units::megabytes(of.disk)),
            ("ports", |of| of.ports.to_string()),
        ];
        for (name, of) in rows {
            let cells: String = columns.iter().map(|(_, amounts)| format!("{:>10}", of(amounts))).collect();
            self.line(format!("{name:<7}{cells}"), Tone::Plain, None);
        }
    }

    /// How many there are in each state, then each that is one of these.
    fn tasks(&mut self, is_one: impl Fn(&crate::cluster::task::Task) -> bool) {
        tasks::list(self, is_one);
    }
}

/// Resources without the roles they are told under.
fn plain(resources: &Resources) -> String {
    let words = resources.unallocated().to_unreserved();
    words.to_string().replace("; ", ", ").replace(';', ", ")
}

fn labelled(by_role: BTreeMap<String, Resources>, what: &str) -> Vec<String> {
    by_role.iter().map(|(role, resources)| format!("{what} {role}: {}", plain(resources))).collect()
}

/// What an event is about, where the cluster still knows it.
fn subject_of(happening: &Happening, cluster: &ClusterView) -> Option<Selected> {
    let id = &happening.subject;
    let tables = [
        (cluster.tasks.key(id), Selected::Task(id.clone())),
        (cluster.agents.key(id), Selected::Agent(id.clone())),
        (cluster.frameworks.key(id), Selected::Framework(id.clone())),
        (cluster.offers.key(id), Selected::Offer(id.clone())),
        (cluster.components.key(id), Selected::Component(id.clone())),
    ];
    let known = tables.into_iter().find(|(key, _)| key.is_some()).map(|(_, subject)| subject);
    known.filter(|_| happening.kind != history::Kind::User)
}
