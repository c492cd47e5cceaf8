//! The bad ACCEPTs that were sent to Apache Mesos, and what it said of each task.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::Ground;
use crate::{
    engine::master::validation::{group, offer, operation, task},
    mesos::{
        json,
        resources::Resources,
        v1::{
            FrameworkId, Offer, OfferId, Task, TaskInfo, TaskState,
            offer::{Operation, operation::Type},
            scheduler::{Call, Event},
            task_status::Source,
        },
    },
};

struct Recording {
    calls: Vec<(String, Call)>,
    offers: BTreeMap<OfferId, Offer>,
    /// What the master said of a task; a task that it said nothing of was launched.
    verdicts: BTreeMap<String, Vec<String>>,
}

fn body(file: &PathBuf) -> Vec<u8> {
    let raw = fs::read(file).unwrap();
    let head = raw.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    raw[head + 4..].to_vec()
}

/// The body without the framing of its chunks.
fn dechunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let Some(chunk) = body.get(end + 2..end + 2 + size) else { break };
        whole.extend_from_slice(chunk);
        body = body.get(end + 2 + size + 2..).unwrap_or_default();
    }
    whole
}

fn events(stream: &[u8]) -> Vec<Event> {
    let (mut events, mut rest) = (Vec::new(), stream);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let size: usize = std::str::from_utf8(&rest[..end]).unwrap().parse().unwrap();
        let Some(record) = rest.get(end + 1..end + 1 + size) else { break };
        events.push(json::from_json(record).unwrap());
        rest = &rest[end + 1 + size..];
    }
    events
}

impl Recording {
    fn read(group: &str) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/03-task-errors").join(group);
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let stream = events(&dechunk(&body(&folder.join("00-stream.resp.raw"))));
        let named = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
        let calls = files.iter().filter(|file| named(file).ends_with(".req.raw"));
        let calls = calls.filter_map(|file| Some((named(file), json::from_json::<Call>(body(file)).ok()?)));
        Self { calls: calls.collect(), offers: offers_of(&stream), verdicts: verdicts_of(&stream) }
    }

    fn check(&self, name: &str, call: Call) -> usize {
        let Some(accept) = call.accept else { return 0 };
        let framework_id = call.framework_id.unwrap();
        if let Err(error) = offer::validate(&accept.offer_ids, &self.offers, &framework_id) {
            let error = format!("Task launched with invalid offers: {error}");
            return accept
                .operations
                .iter()
                .map(|it| self.compare_all(name, operation::tasks(it), &error))
                .sum();
        }
        let mut ground = self.ground(framework_id, &accept.offer_ids);
        accept
            .operations
            .into_iter()
            .map(|operation| self.check_operation(name, &mut ground, operation))
            .sum()
    }

    fn ground(&self, framework_id: FrameworkId, ids: &[OfferId]) -> Ground {
        let offers: Vec<&Offer> = ids.iter().map(|id| &self.offers[id]).collect();
        let agent_id = offers[0].agent_id.clone();
        let offered = offers.iter().map(|offer| Resources::from(&offer.resources).allocated("*")).sum();
        Ground { framework_id, agent_id, offered, ..Ground::new() }
    }

    fn check_operation(&self, name: &str, ground: &mut Ground, mut operation: Operation) -> usize {
        if let Err(error) = operation::validate(&operation) {
            return self.compare_all(name, operation::tasks(&operation), &error);
        }
        operation::normalize(&mut operation, "*", &ground.framework_id);
        match (operation.r#type(), &operation.launch_group) {
            (Type::LaunchGroup, Some(launch)) => {
                let verdict = group::validate(&launch.task_group, &launch.executor, &ground.launch());
                self.compare_all(name, &launch.task_group.tasks, &verdict.err().unwrap_or_default())
            }
            _ => operation::tasks(&operation).iter().map(|task| self.check_task(name, ground, task)).sum(),
        }
    }

    fn check_task(&self, name: &str, ground: &mut Ground, info: &TaskInfo) -> usize {
        let verdict = task::validate(info, &ground.launch());
        if verdict.is_ok() {
            ground.tasks.insert(info.task_id.clone(), Task::default());
            ground.offered -= Resources::from(&info.resources);
        }
        self.compare(name, info, &verdict.err().unwrap_or_default())
    }

    fn compare_all(&self, name: &str, tasks: &[TaskInfo], error: &str) -> usize {
        tasks.iter().map(|task| self.compare(name, task, error)).sum()
    }

    fn compare(&self, name: &str, task: &TaskInfo, error: &str) -> usize {
        let told = self.verdicts.get(&task.task_id.value).cloned().unwrap_or_default();
        if error.is_empty() {
            let only_others = told.is_empty() || told == ["Task has duplicate ID: t-dup"];
            assert!(only_others, "{name}: accepted, but Mesos said {told:?}");
        } else {
            assert!(told.iter().any(|it| it == error), "{name}: `{error}`, but Mesos said {told:?}");
        }
        1
    }
}

fn offers_of(events: &[Event]) -> BTreeMap<OfferId, Offer> {
    let offers = events.iter().filter_map(|event| event.offers.as_ref()).flat_map(|offers| &offers.offers);
    offers.map(|offer| (offer.id.clone(), offer.clone())).collect()
}

fn verdicts_of(events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut verdicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for update in events.iter().filter_map(|event| event.update.as_ref()) {
        let status = &update.status;
        if status.source() == Source::Master && status.state() != TaskState::TaskStaging {
            verdicts.entry(status.task_id.value.clone()).or_default().push(status.message().to_owned());
        }
    }
    verdicts
}

#[test]
fn every_bad_task_is_told_what_mesos_told_it() {
    for group in ["plain", "partition-aware"] {
        let recording = Recording::read(group);
        let checked: usize =
            recording.calls.iter().map(|(name, call)| recording.check(name, call.clone())).sum();
        assert!(checked > 35, "only {checked} tasks in {group}");
    }
}
