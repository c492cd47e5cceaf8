//! LAUNCH and LAUNCH_GROUP: tasks that pass the checks go into the books and to their agent.

use super::{Master, Resources, accept::Ground, status::Verdict, tasks::staged, validation};
use crate::{
    engine::wire::{LaunchTerms, ToAgent},
    mesos::v1::{
        ExecutorInfo, FrameworkInfo, TaskInfo, TaskState,
        offer::operation::{Launch, LaunchGroup, Type},
        task_status::Reason,
    },
};

impl Master {
    pub(super) fn launch(&mut self, ground: &mut Ground, launch: Launch) {
        for task in launch.task_infos {
            match self.validate_task(ground, &task) {
                Ok(()) => self.launch_task(ground, task),
                Err(error) => {
                    let verdict = Verdict::new(TaskState::TaskError, Reason::TaskInvalid, error);
                    self.reject_tasks(&ground.framework_id, std::slice::from_ref(&task), &verdict);
                }
            }
        }
    }

    fn validate_task(&self, ground: &Ground, task: &TaskInfo) -> Result<(), String> {
        let (Some(framework), Some(agent)) =
            (self.frameworks.get(&ground.framework_id), self.agents.get(&ground.agent_id))
        else {
            return Err("Agent removed".into());
        };
        validation::task(task, framework, agent, &ground.remaining)
    }

    fn launch_task(&mut self, ground: &mut Ground, task: TaskInfo) {
        let Some(framework) = self.framework_info(ground) else { return };
        let is_new = task.executor.as_ref().is_none_or(|executor| self.launch_executor(ground, executor));
        self.stage(ground, &task);
        self.count_operation(ground, Type::Launch);
        let launch = self.terms(ground, is_new);
        self.tell(&ground.agent_id, ToAgent::RunTask { framework, task: Box::new(task), launch });
    }

    pub(super) fn launch_group(&mut self, ground: &mut Ground, group: LaunchGroup) {
        let LaunchGroup { executor, task_group } = group;
        let (Some(known), Some(agent)) =
            (self.frameworks.get(&ground.framework_id), self.agents.get(&ground.agent_id))
        else {
            return;
        };
        let framework = Box::new(known.info.clone());
        if let Err(error) = validation::task_group(&task_group, &executor, known, agent, &ground.remaining) {
            let verdict = Verdict::new(TaskState::TaskError, Reason::TaskGroupInvalid, error);
            return self.reject_tasks(&ground.framework_id, &task_group.tasks, &verdict);
        }
        let is_new = self.launch_executor(ground, &executor);
        task_group.tasks.iter().for_each(|task| self.stage(ground, task));
        self.count_operation(ground, Type::LaunchGroup);
        let (executor, group) = (Box::new(executor), Box::new(task_group));
        let launch = self.terms(ground, is_new);
        self.tell(&ground.agent_id, ToAgent::RunTaskGroup { framework, executor, group, launch });
    }

    fn terms(&self, ground: &Ground, executor: bool) -> LaunchTerms {
        let agent = self.agents.get(&ground.agent_id);
        LaunchTerms { executor, resource_version: agent.and_then(|agent| agent.resource_version.clone()) }
    }

    fn framework_info(&self, ground: &Ground) -> Option<Box<FrameworkInfo>> {
        self.frameworks.get(&ground.framework_id).map(|framework| Box::new(framework.info.clone()))
    }

    /// Books an executor that is not there yet; whether it was not.
    fn launch_executor(&mut self, ground: &mut Ground, executor: &ExecutorInfo) -> bool {
        let Some(agent) = self.agents.get(&ground.agent_id) else { return false };
        let known = agent.executors.get(&ground.framework_id);
        if known.is_some_and(|executors| executors.contains_key(&executor.executor_id)) {
            return false;
        }
        self.add_executor(&ground.agent_id, &ground.framework_id, executor);
        ground.remaining -= Resources::from(&executor.resources);
        true
    }

    fn stage(&mut self, ground: &mut Ground, task: &TaskInfo) {
        self.add_task(staged(task, &ground.framework_id));
        ground.remaining -= Resources::from(&task.resources);
    }

    fn count_operation(&mut self, ground: &Ground, kind: Type) {
        if let Some(framework) = self.frameworks.get_mut(&ground.framework_id) {
            *framework.counters.operations.entry(kind.into()).or_default() += 1;
        }
    }
}
