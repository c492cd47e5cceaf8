//! Files in sandboxes, through the v1 API of an agent.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;

use crate::{
    client::{
        ClientError, Http,
        agent::{PATH, of},
        http::base_url,
    },
    mesos::v1::{
        ExecutorId, FileInfo, FrameworkId, Task,
        agent::{Call, Response, call},
    },
};

/// How much one read asks for.
const PIECE: u64 = 256 * 1024;
/// How often a file that is followed is looked at.
const POLL: Duration = Duration::from_millis(200);

/// The files of one agent.
#[derive(Clone, Debug)]
pub struct AgentFiles {
    http: Http,
    url: Url,
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub data: Bytes,
    /// The size of the whole file now.
    pub size: u64,
}

/// The sandbox of the newest run of an executor, by the name that every agent knows it by.
/// The executor of a command task has the id of the task.
pub fn sandbox(framework_id: &FrameworkId, executor_id: &ExecutorId) -> String {
    format!("/frameworks/{framework_id}/executors/{executor_id}/runs/latest")
}

/// The sandbox of a task: that of its executor, or its own in there when it runs in a pod.
pub fn sandbox_of(task: &Task) -> String {
    let own = ExecutorId::new(task.task_id.as_str());
    let executor = sandbox(&task.framework_id, task.executor_id.as_ref().unwrap_or(&own));
    let mut containers = task.statuses.iter().filter_map(|status| status.container_status.as_ref());
    let nested = containers.any(|status| status.container_id.as_ref().is_some_and(|id| id.parent.is_some()));
    if nested { in_pod(&executor, task.task_id.as_str()) } else { executor }
}

/// The sandbox of a task in a pod, in that of its executor.
pub fn in_pod(executor: &str, task: &str) -> String {
    format!("{executor}/tasks/{task}")
}

impl AgentFiles {
    /// # Errors
    /// When `agent` is no `http://` address.
    pub fn new(http: Http, agent: &str) -> Result<Self, ClientError> {
        let mut url = base_url(agent)?;
        url.set_path(PATH);
        Ok(Self { http, url })
    }

    /// What is in a directory.
    ///
    /// # Errors
    /// When the agent cannot be reached or there is no such directory (404).
    pub async fn browse(&self, path: &str) -> Result<Vec<FileInfo>, ClientError> {
        let list = call::ListFiles { path: path.to_owned() };
        let call = Call { list_files: Some(list), ..of(call::Type::ListFiles) };
        let answer: Response = self.http.ask(&self.url, &call).await?;
        Ok(answer.list_files.map(|files| files.file_infos).unwrap_or_default())
    }

    /// At most `length` bytes from `offset`; none behind the end.
    ///
    /// # Errors
    /// When the agent cannot be reached or there is no such file (404).
    pub async fn read(&self, path: &str, offset: u64, length: u64) -> Result<Piece, ClientError> {
        let read = call::ReadFile { path: path.to_owned(), offset, length: Some(length) };
        let call = Call { read_file: Some(read), ..of(call::Type::ReadFile) };
        let answer: Response = self.http.ask(&self.url, &call).await?;
        let file = answer
            .read_file
            .ok_or_else(|| ClientError::Malformed("READ_FILE was answered with something else".to_owned()))?;
        Ok(Piece { data: file.data, size: file.size })
    }

    /// Reads a file from `offset` on, also what is still to be written.
    pub fn follow(&self, path: &str, offset: u64) -> Follow {
        Follow { files: self.clone(), path: path.to_owned(), offset }
    }
}

/// A file that is followed, as by `tail -f`.
#[derive(Clone, Debug)]
pub struct Follow {
    files: AgentFiles,
    path: String,
    offset: u64,
}

impl Follow {
    /// What there is now behind the last piece; empty at the end of the file. A file that shrank is read anew.
    ///
    /// # Errors
    /// As [`AgentFiles::read`].
    pub async fn available(&mut self) -> Result<Bytes, ClientError> {
        let mut piece = self.files.read(&self.path, self.offset, PIECE).await?;
        if piece.size < self.offset {
            self.offset = 0;
            piece = self.files.read(&self.path, 0, PIECE).await?;
        }
        self.offset += piece.data.len() as u64;
        Ok(piece.data)
    }

    /// Waits for the next piece.
    ///
    /// # Errors
    /// As [`AgentFiles::read`].
    pub async fn next(&mut self) -> Result<Bytes, ClientError> {
        loop {
            let data = self.available().await?;
            if !data.is_empty() {
                return Ok(data);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::v1::{ContainerId, ContainerStatus, TaskStatus};

    fn task(executor: Option<&str>, parent: Option<ContainerId>) -> Task {
        let container_id = Some(ContainerId { value: "c".to_owned(), parent: parent.map(Box::new) });
        let container_status = Some(ContainerStatus { container_id, ..ContainerStatus::default() });
        Task {
            framework_id: "f".into(),
            task_id: "t".into(),
            executor_id: executor.map(Into::into),
            statuses: vec![TaskStatus { container_status, ..TaskStatus::default() }],
            ..Task::default()
        }
    }

    #[test]
    fn a_task_in_a_pod_has_a_sandbox_of_its_own() {
        assert_eq!(sandbox_of(&task(None, None)), "/frameworks/f/executors/t/runs/latest");
        assert_eq!(sandbox_of(&task(Some("e"), None)), "/frameworks/f/executors/e/runs/latest");
        let nested = task(Some("e"), Some("p".into()));
        assert_eq!(sandbox_of(&nested), "/frameworks/f/executors/e/runs/latest/tasks/t");
    }
}
