//! Whom the processes of a container run as: `--switch_user` of Mesos' agents.

use serde::{Deserialize, Serialize};

use super::{Agent, nested::root};
use crate::mesos::v1::{CommandInfo, ContainerId, ExecutorInfo, FrameworkInfo};

/// A user of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// All groups, `gid` among them.
    pub groups: Vec<u32>,
}

/// Finds a user by name: for the host to do. The error is why nothing can be given to that user.
pub type Accounts = fn(&str) -> Result<Account, String>;

/// Of an agent that nobody has told of users.
pub(super) fn unknown(user: &str) -> Result<Account, String> {
    Err(format!("No such user '{user}'"))
}

impl Agent {
    /// How users are found, for an agent that is configured to switch to them.
    #[must_use]
    pub fn with_accounts(self, accounts: Accounts) -> Self {
        Self { accounts, ..self }
    }

    /// Whom an executor is to run as: the user of its command, or of its framework. None where the agent does not
    /// switch; the error is that of Mesos' `createSandboxDirectory`.
    pub(super) fn executor_account(
        &self,
        framework: &FrameworkInfo,
        executor: &ExecutorInfo,
    ) -> Result<Option<Account>, String> {
        self.account(Some(user_of(framework, executor)))
    }

    /// Whom a container is to run as that lies in another, or stands alone: its own user, or that of its parent.
    pub(super) fn nested_account(
        &self,
        command: &CommandInfo,
        container_id: &ContainerId,
    ) -> Result<Option<Account>, String> {
        let parent = container_id.parent.as_deref().and_then(|parent| self.user_in(parent));
        self.account(command.user.as_deref().or(parent))
    }

    /// Of an executor that is there: its user was found when it came.
    pub(super) fn account_at(&self, container_id: &ContainerId) -> Option<Account> {
        self.account(self.user_in(container_id)).ok().flatten()
    }

    fn account(&self, user: Option<&str>) -> Result<Option<Account>, String> {
        let Some(user) = user.filter(|_| self.config.switch_user) else { return Ok(None) };
        let found = (self.accounts)(user);
        found.map(Some).map_err(|why| format!("Failed to chown directory to '{user}': {why}"))
    }

    /// The name of the user that a container runs as; none of one that stands alone and names none.
    pub(super) fn user_in(&self, container_id: &ContainerId) -> Option<&str> {
        if let Some(guest) = self.guests.containers.get(container_id) {
            return guest.user.as_deref();
        }
        let (framework_id, executor_id) = self.containers.get(root(container_id))?;
        let framework = self.frameworks.get(framework_id)?;
        let executor = framework.executors.get(executor_id)?;
        let task = executor.nested.get(container_id);
        let task = task.and_then(|nested| executor.launched_tasks.get(&nested.task_id));
        let own = task.and_then(|task| task.user.as_deref());
        Some(own.unwrap_or_else(|| user_of(&framework.info, &executor.info)))
    }
}

fn user_of<'a>(framework: &'a FrameworkInfo, executor: &'a ExecutorInfo) -> &'a str {
    let own = executor.command.as_ref().and_then(|command| command.user.as_deref());
    own.unwrap_or(&framework.user)
}
