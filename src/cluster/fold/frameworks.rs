//! Frameworks, and the offers that are outstanding with them.

use std::{collections::HashSet, sync::Arc};

use crate::{
    cluster::{
        ClusterView,
        framework::{Framework, FrameworkState},
        history::{Kind, Weight},
        rows::Rows as _,
    },
    mesos::v1::{
        FrameworkInfo,
        master::response::{GetFrameworks, get_frameworks},
    },
    scheduler::quantities::Quantities,
};

/// So many completed frameworks are kept.
const COMPLETED: usize = 1000;

impl ClusterView {
    /// All frameworks there are, with what they hold.
    #[expect(deprecated, reason = "older masters have recovered frameworks apart")]
    pub(super) fn frameworks(&mut self, answer: GetFrameworks) {
        let GetFrameworks { frameworks, completed_frameworks, recovered_frameworks } = answer;
        let all = frameworks.iter().chain(&completed_frameworks).map(|it| &it.framework_info);
        let named: HashSet<&str> =
            all.chain(&recovered_frameworks).filter_map(|info| Some(info.id.as_ref()?.as_str())).collect();
        let gone = self.frameworks.iter().filter(|framework| !named.contains(&*framework.id));
        let gone: Vec<_> = gone.map(|framework| Arc::clone(&framework.id)).collect();
        gone.into_iter().for_each(|id| self.framework_gone(&id));
        for framework in &completed_frameworks {
            let read = Framework::read(framework, &mut self.fold.names);
            self.put_framework(Framework { state: FrameworkState::Completed, ..read });
        }
        for info in &recovered_frameworks {
            let read = Framework::completed(info, &mut self.fold.names);
            self.put_framework(Framework { state: FrameworkState::Recovered, ..read });
        }
        for framework in &frameworks {
            let read = Framework::read(framework, &mut self.fold.names);
            self.put_framework(read);
        }
        self.outstanding(frameworks.into_iter().flat_map(|framework| framework.offers).collect());
    }

    /// News of a framework, which do not say what it holds.
    pub(super) fn framework_news(&mut self, framework: &get_frameworks::Framework) {
        let mut read = Framework::read(framework, &mut self.fold.names);
        if let Some(old) = self.frameworks.find(&read.id) {
            (read.used, read.offered, read.offers) = (old.used, old.offered, old.offers);
        }
        self.put_framework(read);
    }

    pub(super) fn framework_removed(&mut self, info: &FrameworkInfo) {
        let read = Framework::completed(info, &mut self.fold.names);
        let times = self.frameworks.find(&read.id).map(|old| (old.registered, old.reregistered));
        let (registered, reregistered) = times.unwrap_or_default();
        self.put_framework(Framework { registered, reregistered, ..read });
        self.evict_completed();
    }

    fn put_framework(&mut self, mut framework: Framework) {
        let tally = self.fold.of_framework.get(&framework.id).copied().unwrap_or_default();
        framework.tasks = tally.live;
        framework.ours = self.is_ours(&framework.id);
        framework.share = share(&framework.used, &self.gauges.total);
        let old = self.frameworks.find(&framework.id);
        if old == Some(&framework) {
            return;
        }
        let is_renamed = old.is_none_or(|old| old.name != framework.name);
        let before = old.map(|old| old.state);
        if is_renamed && tally.all > 0 {
            for task in self.tasks.iter_mut().filter(|task| task.framework_id == framework.id) {
                task.framework = Arc::clone(&framework.name);
            }
        }
        self.tell_framework(&framework, before);
        self.frameworks.put(&Arc::clone(&framework.id), framework);
    }

    fn tell_framework(&mut self, framework: &Framework, before: Option<FrameworkState>) {
        if before == Some(framework.state) {
            return;
        }
        let weight = match framework.state {
            FrameworkState::Active => Weight::Good,
            FrameworkState::Inactive | FrameworkState::Completed => Weight::Info,
            FrameworkState::Disconnected | FrameworkState::Recovered => Weight::Warning,
        };
        let id = Arc::clone(&framework.id);
        let text = format!("framework {}: {}", framework.name, framework.state.word());
        self.tell(Kind::Framework, weight, &id, text);
    }

    fn framework_gone(&mut self, id: &str) {
        let Some(framework) = self.frameworks.remove(id) else { return };
        if framework.state != FrameworkState::Completed {
            let text = format!("framework {}: the master knows it no more", framework.name);
            self.tell(Kind::Framework, Weight::Warning, id, text);
        }
    }

    fn evict_completed(&mut self) {
        if self.frameworks.len() <= COMPLETED {
            return;
        }
        let completed = self.frameworks.iter().filter(|it| it.state == FrameworkState::Completed);
        if let Some(oldest) = completed.min_by_key(|it| it.registered).map(|it| Arc::clone(&it.id)) {
            self.frameworks.remove(&oldest);
        }
    }

    /// Whether it is the framework of our scheduler.
    pub(super) fn is_ours(&self, framework: &str) -> bool {
        let ours = self.scheduler.as_ref().and_then(|scheduler| scheduler.state.framework_id.as_deref());
        ours == Some(framework)
    }
}

/// The largest of the parts of cpus, mem and disk.
fn share(used: &Quantities, total: &Quantities) -> f64 {
    let parts = [(used.cpus, total.cpus), (used.mem, total.mem), (used.disk, total.disk)];
    let parts = parts.into_iter().filter(|(_, total)| *total > 0.0);
    parts.map(|(used, total)| used / total).fold(0.0, f64::max)
}
