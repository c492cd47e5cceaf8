//! The keeper's book: which containers run, and which ends no agent has noted yet. Pure.

use std::collections::BTreeMap;

use super::message::KeptContainer;
use crate::{engine::agent::Launch, host::process::Event, mesos::v1::ContainerId};

#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<ContainerId, Record>);

#[derive(Debug)]
struct Record {
    kept: KeptContainer,
    /// To be killed, and wanted by nobody: struck out as soon as it has ended.
    doomed: bool,
}

impl Book {
    /// False when the container is in the book already.
    pub fn enter(&mut self, launch: &Launch) -> bool {
        let container_id = launch.container_id.clone();
        if self.0.contains_key(&container_id) {
            return false;
        }
        let kept = KeptContainer { launch: launch.clone(), pid: None, exit: None, failed: None };
        self.0.insert(container_id, Record { kept, doomed: false });
        true
    }

    /// Whether the container of this event has just begun to run and is to be killed.
    pub fn note(&mut self, event: &Event) -> bool {
        let Some(record) = self.0.get_mut(event.container_id()) else { return false };
        match event {
            Event::Launched { pid, .. } => {
                record.kept.pid = Some(*pid);
                return record.doomed;
            }
            Event::LaunchFailed { message, .. } => record.kept.failed = Some(message.clone()),
            Event::Exited { exit, .. } => record.kept.exit = Some(*exit),
        }
        if record.doomed {
            self.0.remove(event.container_id());
        }
        false
    }

    /// Strikes out a container that has ended.
    pub fn forget(&mut self, container_id: &ContainerId) {
        if self.0.get(container_id).is_some_and(|record| record.kept.has_ended()) {
            self.0.remove(container_id);
        }
    }

    /// Dooms containers; gives those that run and are to be killed.
    pub fn doom(&mut self, which: impl Fn(&KeptContainer) -> bool) -> Vec<ContainerId> {
        self.0.retain(|_, record| !(which(&record.kept) && record.kept.has_ended()));
        let doomed = self.0.values_mut().filter(|record| which(&record.kept));
        doomed
            .map(|record| {
                record.doomed = true;
                record.kept.container_id().clone()
            })
            .collect()
    }

    /// Whether anybody wants to hear of this container.
    pub fn wants(&self, container_id: &ContainerId) -> bool {
        self.0.get(container_id).is_some_and(|record| !record.doomed)
    }

    /// What there is for an agent to take over.
    pub fn kept(&self) -> impl Iterator<Item = &KeptContainer> {
        self.0.values().filter(|record| !record.doomed).map(|record| &record.kept)
    }

    /// Nothing runs, and no end waits to be noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::executor::exit::Exit,
        host::keeper::tests::{id, launch},
    };

    fn book(containers: &[(&str, bool)]) -> Book {
        let mut book = Book::default();
        for (name, survives) in containers {
            let work_dir = std::path::Path::new("/work_dir");
            assert!(book.enter(&Launch { survives: *survives, ..launch(work_dir, name, "true") }));
        }
        book
    }

    fn launched(name: &str) -> Event {
        Event::Launched { container_id: id(name), pid: 7 }
    }

    fn exited(name: &str) -> Event {
        Event::Exited { container_id: id(name), exit: Exit::Code(3) }
    }

    fn names(book: &Book) -> Vec<&str> {
        book.kept().map(|kept| kept.container_id().as_str()).collect()
    }

    #[test]
    fn an_end_stays_until_it_is_forgotten() {
        let mut book = book(&[("a", true)]);
        book.forget(&id("a"));
        assert!(!book.note(&launched("a")));
        assert!(!book.note(&exited("a")));
        let kept = book.kept().next().unwrap();
        assert_eq!((kept.pid, kept.exit), (Some(7), Some(Exit::Code(3))));
        book.forget(&id("a"));
        assert!(book.is_empty());
    }

    #[test]
    fn the_doomed_are_struck_out_when_they_have_ended() {
        let mut book = book(&[("ended", false), ("runs", false), ("starts", false), ("survives", true)]);
        for event in [launched("ended"), exited("ended"), launched("runs")] {
            book.note(&event);
        }
        assert_eq!(book.doom(|kept| !kept.launch.survives), [id("runs"), id("starts")]);
        assert_eq!(names(&book), ["survives"]);
        assert!(book.note(&launched("starts")), "killed as soon as it can be");
        for name in ["runs", "starts"] {
            book.note(&exited(name));
        }
        assert_eq!(book.0.len(), 1);
    }

    #[test]
    fn a_container_is_entered_once() {
        let mut book = book(&[("a", true)]);
        let again = launch(std::path::Path::new("/work_dir"), "a", "false");
        assert!(!book.enter(&again));
    }
}
