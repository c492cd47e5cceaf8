//! Containers beside and within those of tasks, through the v1 API of an agent: sessions, and the streams of what runs.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use prost::Message as _;
use reqwest::{Body, Response, Url, header};
use tokio::sync::mpsc;
use tokio_util::codec::Decoder as _;

use crate::{
    client::{
        ClientError, Http,
        agent::{PATH, of},
        http::{ANSWER, PROTOBUF, accepted, base_url, sent, within},
    },
    mesos::{
        recordio::{self, Decoder},
        v1::{
            CommandInfo, ContainerId, ContainerInfo, DurationInfo, ExecutorId, FrameworkId, TaskId, TtyInfo,
            agent::{
                Call, ProcessIo, Response as CallResponse,
                call::{self, AttachContainerInput, LaunchNestedContainerSession, attach_container_input},
                process_io::{self, Control, Data, control, data},
            },
            container_info,
            tty_info::WindowSize,
        },
    },
};

const RECORDIO: &str = "application/recordio";
/// A record larger than this is taken for garbage.
const LARGEST: usize = 64 << 20;
/// Records of input that wait for the agent.
const WAITING: usize = 8;
/// How often an agent is told that whoever has an input is there, though silent.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// The containers of one agent.
#[derive(Clone, Debug)]
pub struct Containers {
    http: Http,
    url: Url,
}

/// Which stream a piece of output is of. A terminal has one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Containers {
    /// # Errors
    /// When `agent` is no `http://` address.
    pub fn new(http: Http, agent: &str) -> Result<Self, ClientError> {
        let mut url = base_url(agent)?;
        url.set_path(PATH);
        Ok(Self { http, url })
    }

    /// Runs a command in a new container within another (LAUNCH_NESTED_CONTAINER_SESSION), which ends with the output
    /// that is given; in a terminal of this size, if there is one.
    ///
    /// # Errors
    /// When the agent cannot be reached, or refuses in Mesos' words.
    pub async fn session(
        &self,
        container_id: &ContainerId,
        command: CommandInfo,
        terminal: Option<WindowSize>,
    ) -> Result<Output, ClientError> {
        let container = terminal.map(|size| ContainerInfo {
            r#type: container_info::Type::Mesos.into(),
            tty_info: Some(TtyInfo { window_size: Some(size) }),
            ..ContainerInfo::default()
        });
        let launch = LaunchNestedContainerSession {
            container_id: container_id.clone(),
            command: Some(command),
            container,
        };
        let kind = call::Type::LaunchNestedContainerSession;
        self.stream(&Call { launch_nested_container_session: Some(launch), ..of(kind) }).await
    }

    /// What comes out of a container from now on (ATTACH_CONTAINER_OUTPUT).
    ///
    /// # Errors
    /// As [`Containers::session`]; 500 where the container has no streams to attach to.
    pub async fn output(&self, container_id: &ContainerId) -> Result<Output, ClientError> {
        let attach = call::AttachContainerOutput { container_id: container_id.clone() };
        let kind = call::Type::AttachContainerOutput;
        self.stream(&Call { attach_container_output: Some(attach), ..of(kind) }).await
    }

    /// The input of a container (ATTACH_CONTAINER_INPUT), and the request that carries it there while it is awaited. The
    /// request ends when the input is dropped, or with the container.
    pub fn input(
        &self,
        container_id: &ContainerId,
    ) -> (Input, impl Future<Output = Result<(), ClientError>> + Send + use<>) {
        let (records, waiting) = mpsc::channel::<Bytes>(WAITING);
        let attach = AttachContainerInput {
            r#type: Some(attach_container_input::Type::ContainerId.into()),
            container_id: Some(container_id.clone()),
            process_io: None,
        };
        let body = stream::unfold((Some(record(attach)), waiting), async |(first, mut waiting)| {
            let next = match first {
                Some(first) => Some(first),
                None => waiting.recv().await,
            };
            next.map(|record| (Ok::<_, std::io::Error>(record), (None, waiting)))
        });
        let url = self.url.clone();
        let request = self.http.0.post(url.clone()).header(header::CONTENT_TYPE, RECORDIO);
        let request = request.header("Message-Content-Type", PROTOBUF).header(header::ACCEPT, PROTOBUF);
        let request = request.body(Body::wrap_stream(body));
        let carried = async move { accepted(sent(&url, request).await?).await.map(drop) };
        (Input(records), carried)
    }

    /// Waits for the end of a container: its status as of `waitpid(2)`, where it is known.
    ///
    /// # Errors
    /// When the agent cannot be reached, or has no such container (404).
    pub async fn wait(&self, container_id: &ContainerId) -> Result<Option<i32>, ClientError> {
        let wait = call::WaitContainer { container_id: container_id.clone() };
        let call = Call { wait_container: Some(wait), ..of(call::Type::WaitContainer) };
        Ok(self.ask(&call).await?.wait_container.and_then(|waited| waited.exit_status))
    }

    /// Deletes what a nested container that has ended has left (REMOVE_CONTAINER).
    ///
    /// # Errors
    /// When the agent cannot be reached, or the container still runs.
    pub async fn remove(&self, container_id: &ContainerId) -> Result<(), ClientError> {
        let remove = call::RemoveContainer { container_id: container_id.clone() };
        let call = Call { remove_container: Some(remove), ..of(call::Type::RemoveContainer) };
        let removed = self.http.post(&self.url, &call, &[]);
        accepted(within(&self.url, removed).await?).await.map(drop)
    }

    /// The container of a task that its agent has; none while that is not known.
    ///
    /// # Errors
    /// When the agent cannot be reached.
    pub async fn of_task(
        &self,
        framework_id: &FrameworkId,
        task_id: &TaskId,
    ) -> Result<Option<ContainerId>, ClientError> {
        let tasks = self.ask(&of(call::Type::GetTasks)).await?.get_tasks.unwrap_or_default().launched_tasks;
        let task = tasks.into_iter().find(|it| it.framework_id == *framework_id && it.task_id == *task_id);
        let statuses = task.map(|task| task.statuses).unwrap_or_default();
        Ok(statuses.into_iter().rev().find_map(|status| status.container_status?.container_id))
    }

    /// The container of an executor; none when it has none now.
    ///
    /// # Errors
    /// When the agent cannot be reached.
    pub async fn of_executor(
        &self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
    ) -> Result<Option<ContainerId>, ClientError> {
        let all = self.ask(&of(call::Type::GetContainers)).await?.get_containers.unwrap_or_default();
        let found = all.containers.into_iter().find(|container| {
            container.framework_id.as_ref() == Some(framework_id)
                && container.executor_id.as_ref() == Some(executor_id)
        });
        Ok(found.map(|container| container.container_id))
    }

    async fn ask(&self, call: &Call) -> Result<CallResponse, ClientError> {
        self.http.ask(&self.url, call).await
    }

    async fn stream(&self, call: &Call) -> Result<Output, ClientError> {
        let request = self.http.0.post(self.url.clone()).header(header::CONTENT_TYPE, PROTOBUF);
        let request = request.header(header::ACCEPT, RECORDIO).header("Message-Accept", PROTOBUF);
        let sent = sent(&self.url, request.body(call.encode_to_vec()));
        let late = |_| ClientError::Unreachable {
            url: self.url.to_string(),
            reason: format!("no answer within {} s", ANSWER.as_secs()),
        };
        let response = tokio::time::timeout(ANSWER, sent).await.map_err(late)??;
        let response = accepted(response).await?;
        Ok(Output { response, buffer: BytesMut::new(), decoder: Decoder::new(LARGEST) })
    }
}

/// What comes out of a container.
pub struct Output {
    response: Response,
    buffer: BytesMut,
    decoder: Decoder,
}

impl Output {
    /// The next piece; none at the end. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is garbage.
    pub async fn next(&mut self) -> Result<Option<(Stream, Bytes)>, ClientError> {
        let garbage = |error: &dyn std::error::Error| ClientError::Malformed(error.to_string());
        loop {
            let record = self.decoder.decode(&mut self.buffer).map_err(|error| garbage(&error))?;
            if let Some(record) = record {
                let message = ProcessIo::decode(record).map_err(|error| garbage(&error))?;
                if let Some(piece) = piece(message) {
                    return Ok(Some(piece));
                }
                continue;
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(ClientError::Closed(error.to_string())),
            }
        }
    }
}

/// Heartbeats are no output.
fn piece(message: ProcessIo) -> Option<(Stream, Bytes)> {
    let data = message.data.filter(|_| message.r#type == Some(process_io::Type::Data.into()))?;
    let stream = match data.r#type() {
        data::Type::Stdout => Stream::Stdout,
        data::Type::Stderr => Stream::Stderr,
        data::Type::Stdin | data::Type::Unknown => return None,
    };
    Some((stream, data.data.unwrap_or_default()))
}

/// What goes into a container. Dropping it ends the request, not the input: [`Input::end`] does.
#[derive(Clone, Debug)]
pub struct Input(mpsc::Sender<Bytes>);

impl Input {
    /// Sends bytes, as fast as they are taken; whether anybody still takes them.
    pub async fn write(&self, bytes: Bytes) -> bool {
        bytes.is_empty() || self.data(bytes).await
    }

    /// Says that nothing more comes. A terminal does not care.
    pub async fn end(&self) -> bool {
        self.data(Bytes::new()).await
    }

    /// Tells the size of the terminal.
    pub async fn resize(&self, size: WindowSize) -> bool {
        let tty_info = Some(TtyInfo { window_size: Some(size) });
        self.control(Control { r#type: Some(control::Type::TtyInfo.into()), tty_info, heartbeat: None }).await
    }

    /// Says that we are there.
    pub async fn heartbeat(&self) -> bool {
        let nanoseconds = i64::try_from(HEARTBEAT.as_nanos()).unwrap_or(i64::MAX);
        let heartbeat = control::Heartbeat { interval: Some(DurationInfo { nanoseconds }) };
        let kind = control::Type::Heartbeat.into();
        self.control(Control { r#type: Some(kind), tty_info: None, heartbeat: Some(heartbeat) }).await
    }

    async fn data(&self, bytes: Bytes) -> bool {
        let data = Data { r#type: Some(data::Type::Stdin.into()), data: Some(bytes) };
        let kind = process_io::Type::Data.into();
        self.send(ProcessIo { r#type: Some(kind), data: Some(data), control: None }).await
    }

    async fn control(&self, control: Control) -> bool {
        let kind = process_io::Type::Control.into();
        self.send(ProcessIo { r#type: Some(kind), data: None, control: Some(control) }).await
    }

    async fn send(&self, message: ProcessIo) -> bool {
        let attach = AttachContainerInput {
            r#type: Some(attach_container_input::Type::ProcessIo.into()),
            container_id: None,
            process_io: Some(message),
        };
        self.0.send(record(attach)).await.is_ok()
    }
}

fn record(attach: AttachContainerInput) -> Bytes {
    let kind = call::Type::AttachContainerInput;
    recordio::encode(&Call { attach_container_input: Some(attach), ..of(kind) }.encode_to_vec())
}

/// A shell's code for the end of a process: its own, or 128 and the signal.
pub fn exit_code(status: i32) -> u8 {
    let signal = status & 0x7f;
    let code = if signal == 0 { (status >> 8) & 0xff } else { 128 + signal };
    u8::try_from(code).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::exit_code;

    #[test]
    fn codes_are_those_of_a_shell() {
        assert_eq!([0, 768, 0xff00, 9, 15, 134].map(exit_code), [0, 3, 255, 137, 143, 134]);
    }
}
