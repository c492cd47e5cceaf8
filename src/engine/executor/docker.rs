//! The docker executor: runs one task as a container of Docker Engine. It does what the command executor does, and says
//! more: what the engine knows of the container, and its addresses.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, CommandExecutor, Input};
use crate::mesos::{
    time::Time,
    v1::{
        ContainerInfo, ContainerStatus, NetworkInfo, TaskInfo, TaskState, TaskStatus,
        network_info::{IpAddress, Protocol},
    },
};

/// What the engine says of a container that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// What `docker inspect` prints.
    pub text: String,
    /// In the container's own network; none when it uses the one of its host.
    pub addresses: Vec<core::net::IpAddr>,
}

/// One task and its container.
#[derive(Clone, Debug)]
pub struct DockerExecutor {
    task: CommandExecutor,
    /// What the task wants of its network, without addresses.
    network: NetworkInfo,
    inspected: Option<Inspected>,
}

impl DockerExecutor {
    /// `grace_period` is what a task has from TERM to KILL that has no kill policy.
    pub fn new(task: TaskInfo, killing_state: bool, grace_period: Duration) -> Self {
        let network = network(task.container.as_ref());
        let task = CommandExecutor {
            subject: "Container",
            grace_period,
            ..CommandExecutor::new(task, killing_state)
        };
        Self { task, network, inspected: None }
    }

    /// To be told before [`Input::Launched`] and [`Input::Resumed`].
    pub fn inspected(&mut self, inspected: Inspected) {
        self.inspected = Some(inspected);
    }

    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Action> {
        let actions = self.task.handle(now, input);
        actions.into_iter().map(|action| self.dressed(action)).collect()
    }

    /// When [`Input::Tick`] is due.
    pub fn next_deadline(&self) -> Option<Time> {
        self.task.next_deadline()
    }

    /// While the task runs its statuses name its addresses; the first of them tells all that the engine has said.
    fn dressed(&self, action: Action) -> Action {
        let Action::Update(mut status) = action else { return action };
        status.data = None;
        status.container_status = None;
        if status.state() == TaskState::TaskRunning {
            self.dress(&mut status);
        }
        Action::Update(status)
    }

    fn dress(&self, status: &mut TaskStatus) {
        let Some(inspected) = &self.inspected else { return };
        if status.reason.is_none() {
            status.data = Some(inspected.text.clone().into());
        }
        let ip_addresses: Vec<IpAddress> = inspected.addresses.iter().map(ip_address).collect();
        if !ip_addresses.is_empty() {
            let network = NetworkInfo { ip_addresses, ..self.network.clone() };
            status.container_status =
                Some(ContainerStatus { network_infos: vec![network], ..ContainerStatus::default() });
        }
    }
}

fn network(container: Option<&ContainerInfo>) -> NetworkInfo {
    let first = container.and_then(|container| container.network_infos.first());
    NetworkInfo { ip_addresses: Vec::new(), ..first.cloned().unwrap_or_default() }
}

fn ip_address(address: &core::net::IpAddr) -> IpAddress {
    let protocol = address.is_ipv6().then(|| Protocol::IPv6.into());
    IpAddress { protocol, ip_address: Some(address.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::executor::{Signal, exit::Exit},
        mesos::v1::{DurationInfo, HealthCheck, KillPolicy, health_check, task_status::Reason},
    };

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    fn executor(task: TaskInfo) -> DockerExecutor {
        let mut executor = DockerExecutor::new(task, true, Duration::from_secs(5));
        executor
            .inspected(Inspected { text: "[{}]".to_owned(), addresses: vec!["172.17.0.2".parse().unwrap()] });
        executor
    }

    fn statuses(actions: Vec<Action>) -> Vec<TaskStatus> {
        let status = |action| match action {
            Action::Update(status) => Some(*status),
            _ => None,
        };
        actions.into_iter().filter_map(status).collect()
    }

    #[test]
    fn a_running_container_says_where_it_is() {
        let said = statuses(executor(TaskInfo::default()).handle(at(1), Input::Launched));
        let states: Vec<TaskState> = said.iter().map(TaskStatus::state).collect();
        assert_eq!(states, [TaskState::TaskStarting, TaskState::TaskRunning]);
        assert_eq!((&said[0].data, &said[0].container_status), (&None, &None));
        assert_eq!(said[1].data.as_deref(), Some(b"[{}]".as_slice()));
        let network = &said[1].container_status.as_ref().unwrap().network_infos[0];
        assert_eq!(network.ip_addresses[0].ip_address(), "172.17.0.2");
    }

    #[test]
    fn it_is_the_container_that_exits() {
        let mut executor = executor(TaskInfo::default());
        executor.handle(at(1), Input::Launched);
        let ended = &statuses(executor.handle(at(2), Input::Exited(Exit::Code(3))))[0];
        assert_eq!(
            (ended.state(), ended.message()),
            (TaskState::TaskFailed, "Container exited with status 3")
        );
        assert_eq!(ended.data, None);
    }

    #[test]
    fn a_kill_waits_as_long_as_an_executor_may_take() {
        let mut executor = executor(TaskInfo::default());
        executor.handle(at(1), Input::Launched);
        let killing = executor.handle(at(10), Input::Kill(None));
        assert_eq!(killing.last(), Some(&Action::Signal(Signal::Terminate)));
        assert_eq!(executor.next_deadline(), Some(at(15)));
        assert_eq!(executor.handle(at(15), Input::Tick), [Action::Signal(Signal::Kill)]);
        let killed = &statuses(executor.handle(at(15), Input::Exited(Exit::Code(137))))[0];
        assert_eq!(
            (killed.state(), killed.message()),
            (TaskState::TaskKilled, "Container exited with status 137")
        );
    }

    #[test]
    fn a_kill_policy_says_how_long() {
        let grace_period = Some(DurationInfo { nanoseconds: 2_000_000_000 });
        let mut executor =
            executor(TaskInfo { kill_policy: Some(KillPolicy { grace_period }), ..TaskInfo::default() });
        executor.handle(at(1), Input::Launched);
        executor.handle(at(10), Input::Kill(None));
        assert_eq!(executor.next_deadline(), Some(at(12)));
    }

    #[test]
    fn health_is_told_with_addresses_and_without_the_rest() {
        let check = HealthCheck {
            r#type: Some(health_check::Type::Tcp.into()),
            tcp: Some(health_check::TcpCheckInfo { port: 80, ..Default::default() }),
            delay_seconds: Some(0.0),
            ..HealthCheck::default()
        };
        let mut executor = executor(TaskInfo { health_check: Some(check), ..TaskInfo::default() });
        executor.handle(at(1), Input::Launched);
        let outcome = Ok(crate::engine::executor::check::tcp_status(true));
        let kind = crate::engine::executor::check::CheckKind::Health;
        let told = &statuses(executor.handle(at(2), Input::Probed { kind, outcome }))[0];
        assert_eq!((told.healthy, told.reason()), (Some(true), Reason::TaskHealthCheckStatusUpdated));
        assert_eq!(told.data, None);
        assert!(told.container_status.is_some());
    }
}
