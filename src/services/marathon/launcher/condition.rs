//! Which state of an instance a status of Mesos means, and what each state is good for.

use crate::{
    mesos::v1::{TaskState, TaskStatus, task_status::Reason},
    services::marathon::model::InstanceState,
};

impl InstanceState {
    /// What a status means; `TASK_LOST` by its reason.
    pub fn of(status: &TaskStatus) -> Self {
        match status.state() {
            TaskState::TaskStaging => Self::Staging,
            TaskState::TaskStarting => Self::Starting,
            TaskState::TaskRunning => Self::Running,
            TaskState::TaskKilling => Self::Killing,
            TaskState::TaskFinished => Self::Finished,
            TaskState::TaskFailed => Self::Failed,
            TaskState::TaskKilled => Self::Killed,
            TaskState::TaskError => Self::Error,
            TaskState::TaskDropped => Self::Dropped,
            TaskState::TaskUnreachable => Self::Unreachable,
            TaskState::TaskGone | TaskState::TaskGoneByOperator => Self::Gone,
            TaskState::TaskUnknown => Self::Unknown,
            TaskState::TaskLost => Self::of_lost(status),
        }
    }

    fn of_lost(status: &TaskStatus) -> Self {
        if status.message().starts_with("Reconciliation: Task is unknown to the") {
            return Self::Unknown;
        }
        match status.reason() {
            Reason::TaskUnknown => Self::Unknown,
            Reason::Reconciliation | Reason::AgentDisconnected | Reason::AgentRemoved => Self::Unreachable,
            _ => Self::Gone,
        }
    }

    /// The end, or what deployments take for it.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Finished
                | Self::Killed
                | Self::Error
                | Self::Failed
                | Self::Gone
                | Self::Dropped
                | Self::Unknown
                | Self::UnreachableInactive
        )
    }

    pub(super) const fn is_unreachable(self) -> bool {
        matches!(self, Self::Unreachable | Self::UnreachableInactive)
    }

    /// Such an end makes the next launch wait.
    pub const fn delays_launches(self) -> bool {
        matches!(self, Self::Dropped | Self::Error | Self::Failed | Self::Gone | Self::Finished)
    }

    /// The launch goes on: a wait begins anew.
    pub const fn advances_delay(self) -> bool {
        matches!(self, Self::Staging | Self::Starting | Self::Running | Self::Provisioned)
    }

    /// Such an end is the `lastTaskFailure` of its app.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Dropped | Self::Error | Self::Failed | Self::Gone | Self::Unknown)
    }

    /// A task in this state that nobody knows is to be killed.
    pub const fn is_alive(self) -> bool {
        matches!(self, Self::Staging | Self::Starting | Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: TaskState, reason: Option<Reason>, message: &str) -> TaskStatus {
        TaskStatus {
            state: state.into(),
            reason: reason.map(Into::into),
            message: Some(message.to_owned()),
            ..TaskStatus::default()
        }
    }

    #[test]
    fn a_lost_task_is_what_its_reason_says() {
        for (reason, message, state) in [
            (Some(Reason::TaskUnknown), "", InstanceState::Unknown),
            (Some(Reason::Reconciliation), "", InstanceState::Unreachable),
            (Some(Reason::AgentDisconnected), "", InstanceState::Unreachable),
            (Some(Reason::AgentRemoved), "", InstanceState::Unreachable),
            (Some(Reason::AgentRestarted), "", InstanceState::Gone),
            (
                Some(Reason::Reconciliation),
                "Reconciliation: Task is unknown to the agent",
                InstanceState::Unknown,
            ),
        ] {
            assert_eq!(InstanceState::of(&status(TaskState::TaskLost, reason, message)), state, "{reason:?}");
        }
        let gone = status(TaskState::TaskGoneByOperator, None, "");
        assert_eq!(InstanceState::of(&gone), InstanceState::Gone);
    }

    #[test]
    fn what_is_over_is_not_active() {
        for state in [InstanceState::Running, InstanceState::Killing, InstanceState::Unreachable] {
            assert!(state.is_active() && !state.is_over());
        }
        for state in [InstanceState::UnreachableInactive, InstanceState::Gone, InstanceState::Unknown] {
            assert!(state.is_over() && !state.is_active());
        }
        assert!(!InstanceState::UnreachableInactive.is_terminal());
    }
}
