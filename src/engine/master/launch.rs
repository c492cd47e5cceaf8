//! LAUNCH and LAUNCH_GROUP: tasks that pass the checks go into the books and to their agent.

use super::{Master, Resources, accept::Ground, status::Verdict, tasks::staged, validation};
use crate::{
    engine::wire::ToAgent,
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
        if let Some(executor) = &task.executor {
            self.launch_executor(ground, executor);
        }
        self.stage(ground, &task);
        self.count_operation(ground, Type::Launch);
        self.tell(&ground.agent_id, ToAgent::RunTask { framework, task: Box::new(task) });
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
        self.launch_executor(ground, &executor);
        task_group.tasks.iter().for_each(|task| self.stage(ground, task));
        self.count_operation(ground, Type::LaunchGroup);
        let (executor, group) = (Box::new(executor), Box::new(task_group));
        self.tell(&ground.agent_id, ToAgent::RunTaskGroup { framework, executor, group });
    }

    fn framework_info(&self, ground: &Ground) -> Option<Box<FrameworkInfo>> {
        self.frameworks.get(&ground.framework_id).map(|framework| Box::new(framework.info.clone()))
    }

    /// Books an executor that is not there yet.
    fn launch_executor(&mut self, ground: &mut Ground, executor: &ExecutorInfo) {
        let Some(agent) = self.agents.get(&ground.agent_id) else { return };
        let known = agent.executors.get(&ground.framework_id);
        if known.is_some_and(|executors| executors.contains_key(&executor.executor_id)) {
            return;
        }
        self.add_executor(&ground.agent_id, &ground.framework_id, executor);
        ground.remaining -= Resources::from(&executor.resources);
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
