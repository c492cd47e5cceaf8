//! Connections that come and go, and the master that answers.

use crate::{
    cluster::{
        ClusterView, Master,
        history::{Kind, Weight},
        link::Link,
        rows::Rows as _,
    },
    mesos::{time::Time, v1::master::response::GetMaster},
};

impl ClusterView {
    pub(super) fn master_link(&mut self, link: Link) {
        let was_up = self.master_link.is_up();
        match &link {
            Link::Polling { why, .. } if !matches!(self.master_link, Link::Polling { .. }) => {
                let text = format!("the master refuses its event stream, it is asked again and again: {why}");
                self.tell(Kind::Connection, Weight::Warning, "", text);
            }
            Link::Lost { problem, .. } if was_up || *problem != self.fold.master_problem => {
                self.fold.master_problem.clone_from(problem);
                self.tell(Kind::Connection, Weight::Bad, "", format!("no master: {problem}"));
            }
            _ => {}
        }
        self.master_link = link;
    }

    pub(super) fn scheduler_link(&mut self, link: Link) {
        let was_up = self.scheduler_link.is_up();
        let problem = match &link {
            Link::Lost { problem, .. } | Link::Absent { why: problem } => problem,
            _ => "",
        };
        if !problem.is_empty() && (was_up || problem != self.fold.scheduler_problem) {
            problem.clone_into(&mut self.fold.scheduler_problem);
            let weight = if matches!(link, Link::Lost { .. }) { Weight::Bad } else { Weight::Warning };
            self.tell(Kind::Connection, weight, "", format!("no scheduler: {problem}"));
        }
        self.scheduler_link = link;
    }

    pub(super) fn connected_to_master(&mut self) {
        self.fold.master_problem.clear();
        let (agents, tasks) = (self.agents.len(), self.counts.live());
        let url = if self.master.url.is_empty() { "the master" } else { &self.master.url };
        let text = format!("connected to {url}: {}, {}", count(agents, "agent"), count(tasks, "task"));
        self.tell(Kind::Connection, Weight::Good, "", text);
    }

    /// What is not said stays as it was, while it is the same master.
    pub(super) fn master(&mut self, url: String, answer: &GetMaster, version: String) {
        let info = answer.master_info.as_ref();
        let last_id = std::mem::take(&mut self.master.id);
        let id = info.map_or_else(|| last_id.clone(), |info| info.id.clone());
        let is_same = self.master.url == url && last_id == id;
        let old = if is_same { std::mem::take(&mut self.master) } else { Master::default() };
        if last_id != id && !last_id.is_empty() {
            self.tell(Kind::Connection, Weight::Warning, &id, format!("another master leads: {url}"));
        }
        let seconds = |seconds: Option<f64>| seconds.and_then(Time::from_secs_f64);
        self.master = Master {
            hostname: info.and_then(|info| info.hostname.clone()).unwrap_or(old.hostname),
            version: if version.is_empty() { old.version } else { version },
            started: seconds(answer.start_time).or(old.started),
            elected: seconds(answer.elected_time).or(old.elected),
            id,
            url,
        };
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
