//! Which processes there are, from `/proc`: the trees of tasks, and what tasks have left behind.
//!
//! Off Linux nothing is found here, and process groups have to do.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};

/// One process as `/proc/<pid>/stat` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    /// Ended, waiting for its parent to ask.
    zombie: bool,
}

/// The processes of one moment.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Process>);

impl Table {
    /// All processes now; those that vanish while we look are left out.
    pub fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        Self(pids.filter_map(|pid| parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect())
    }

    /// The children of `root` and theirs, and whatever shares a session or group that one of them leads.
    pub fn tree(&self, root: i32) -> BTreeSet<i32> {
        let mut tree = BTreeSet::from([root]);
        loop {
            let belongs = |process: &&Process| {
                [process.parent, process.group, process.session].iter().any(|id| tree.contains(id))
            };
            let more: Vec<i32> = self
                .0
                .iter()
                .filter(|process| !process.zombie && !tree.contains(&process.pid))
                .filter(belongs)
                .map(|process| process.pid)
                .collect();
            if more.is_empty() {
                return tree;
            }
            tree.extend(more);
        }
    }

    /// The tree without the group of its root.
    pub fn tree_outside_group(&self, root: i32) -> impl Iterator<Item = i32> {
        let tree = self.tree(root);
        self.0.iter().filter(move |p| tree.contains(&p.pid) && p.group != root).map(|process| process.pid)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_child(&self, pid: i32, parent: i32) -> bool {
        self.0.iter().any(|process| process.pid == pid && process.parent == parent)
    }

    /// Processes of a session.
    pub fn sessions<'a>(&'a self, sessions: &'a BTreeSet<i32>) -> impl Iterator<Item = i32> + 'a {
        let of_session = |process: &&Process| !process.zombie && sessions.contains(&process.session);
        self.0.iter().filter(of_session).map(|process| process.pid)
    }

    /// Processes of tasks whose sandbox lies at or below one of `directories`: the environment names it, or
    /// stdout or stderr go into it.
    pub fn of_sandboxes(&self, directories: &[PathBuf]) -> Vec<i32> {
        let alive = self.0.iter().filter(|process| !process.zombie);
        alive.map(|process| process.pid).filter(|pid| belongs_to_sandbox(*pid, directories)).collect()
    }

    /// Us and our ancestors, whom no cleaning up may hit.
    pub fn ancestry(&self, pid: i32) -> BTreeSet<i32> {
        let mut ancestry = BTreeSet::new();
        let mut next = Some(pid);
        while let Some(pid) = next.filter(|pid| *pid > 0 && ancestry.insert(*pid)) {
            next = self.0.iter().find(|process| process.pid == pid).map(|process| process.parent);
        }
        ancestry
    }
}

/// `pid (name) state parent group session ...`, where the name may hold anything.
fn parse(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<i32>().ok();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        zombie: matches!(fields.first(), Some(&"Z" | &"X")),
    })
}

fn belongs_to_sandbox(pid: i32, directories: &[PathBuf]) -> bool {
    let below = |path: &Path| directories.iter().any(|directory| path.starts_with(directory));
    if sandbox_in_environment(pid).is_some_and(|sandbox| below(&sandbox)) {
        return true;
    }
    [1, 2].iter().any(|fd| fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|file| below(&file)))
}

/// `MESOS_SANDBOX` of a process that we may look at.
fn sandbox_in_environment(pid: i32) -> Option<PathBuf> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variable =
        environment.split(|byte| *byte == 0).find_map(|line| line.strip_prefix(b"MESOS_SANDBOX="))?;
    Some(PathBuf::from(OsString::from_vec(variable.to_vec())))
}

/// Signals one process; one that is gone is no error.
pub fn signal_process(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

/// Signals a process group; one that is gone is no error.
pub fn signal_group(group: i32, signal: Signal) {
    if let Some(group) = Pid::from_raw(group) {
        let _gone = rustix::process::kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, group: i32, session: i32) -> Process {
        Process { pid, parent, group, session, zombie: false }
    }

    #[test]
    fn reads_names_with_brackets_and_spaces() {
        let parsed = parse("7 (a) R (b) S 3 5 6 0 -1 4194304");
        assert_eq!(parsed, Some(Process { pid: 7, parent: 3, group: 5, session: 6, zombie: false }));
        assert_eq!(parse("7 (x"), None);
    }

    #[test]
    fn a_tree_holds_children_groups_and_sessions() {
        let table = Table(vec![
            process(10, 1, 10, 10),
            process(11, 10, 10, 10),
            process(12, 11, 12, 12),
            process(13, 1, 12, 12),
            process(14, 1, 14, 10),
            process(20, 1, 20, 20),
        ]);
        assert_eq!(table.tree(10), BTreeSet::from([10, 11, 12, 13, 14]));
    }

    #[test]
    fn finds_itself_and_its_ancestors() {
        let table = Table(vec![process(1, 0, 1, 1), process(5, 1, 5, 5), process(6, 5, 5, 5)]);
        assert_eq!(table.ancestry(6), BTreeSet::from([1, 5, 6]));
    }
}
