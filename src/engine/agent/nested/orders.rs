//! What clients of the agent API want of containers, and what they are answered: LAUNCH_CONTAINER, WAIT_CONTAINER,
//! KILL_CONTAINER, REMOVE_CONTAINER and their older forms.

use serde::{Deserialize, Serialize};

use crate::{
    engine::{agent::Launch, executor::exit::Exit},
    mesos::v1::{
        CommandInfo, ContainerId, ContainerInfo, Resource,
        agent::{Call, call::Type},
        tty_info::WindowSize,
    },
};

/// What a call wants of a container; from a call that `validation::agent_call` has found whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Launch(Box<GuestInfo>),
    /// Answered when the container has ended.
    Wait(ContainerId),
    Kill {
        container_id: ContainerId,
        /// The number of a signal, for the container's first process alone.
        signal: i32,
    },
    /// Deletes the sandbox of a container that has ended, and how it has ended.
    Remove(ContainerId),
}

/// A container that a client describes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuestInfo {
    pub container_id: ContainerId,
    pub command: CommandInfo,
    pub container: Option<ContainerInfo>,
    pub resources: Vec<Resource>,
    /// It lives in the environment and the working directory of its parent, and as long as the connection of whoever
    /// has launched it: Mesos' class DEBUG.
    pub session: bool,
}

/// What became of an order. Texts are those of Mesos.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Done,
    /// There is a container of this id.
    AlreadyThere,
    /// 400.
    Refused(String),
    /// 404.
    NotFound(String),
    /// 500.
    Failed(String),
    /// It has ended; none where nobody has seen how.
    Ended(Option<Exit>),
}

/// A container whose standard streams are no files, or not files alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attended {
    pub launch: Launch,
    pub streams: Streams,
    /// The container whose environment, below its own, and whose working directory it has.
    pub inherits: Option<ContainerId>,
}

/// Where the standard streams of a container go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Streams {
    /// Nothing comes in, and what comes out goes to the files of the sandbox.
    Files,
    /// In from whoever attaches, out to the sandbox and to whoever is attached. Nothing is read before somebody is.
    Session,
    /// As of a session, from the beginning, through a terminal with as many rows and columns as it says.
    Terminal {
        rows: u16,
        columns: u16,
        /// Nothing is read before somebody is attached.
        waits: bool,
    },
}

/// The size of a terminal that nobody looks at.
const UNSEEN: (u16, u16) = (0, 0);

impl Streams {
    /// Those of a container that is described so.
    pub fn of(container: Option<&ContainerInfo>, session: bool) -> Self {
        match container.and_then(|container| container.tty_info.as_ref()) {
            Some(tty) => {
                let (rows, columns) = tty.window_size.as_ref().map_or(UNSEEN, cells);
                Self::Terminal { rows, columns, waits: session }
            }
            None if session => Self::Session,
            None => Self::Files,
        }
    }
}

/// Rows and columns, as many as a terminal can have.
pub fn cells(size: &WindowSize) -> (u16, u16) {
    let bounded = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
    (bounded(size.rows), bounded(size.columns))
}

impl Order {
    /// None of a call that is about something else.
    #[expect(deprecated, reason = "the calls of 1.11 that are older than LAUNCH_CONTAINER and its like")]
    pub fn of(call: &Call) -> Option<Self> {
        let kill = |container_id: &ContainerId, signal: Option<i32>| {
            let signal = signal.unwrap_or(KILL);
            Self::Kill { container_id: container_id.clone(), signal }
        };
        Some(match call.r#type() {
            Type::LaunchContainer | Type::LaunchNestedContainer | Type::LaunchNestedContainerSession => {
                Self::Launch(Box::new(GuestInfo::of(call)?))
            }
            Type::WaitContainer => Self::Wait(call.wait_container.as_ref()?.container_id.clone()),
            Type::WaitNestedContainer => {
                Self::Wait(call.wait_nested_container.as_ref()?.container_id.clone())
            }
            Type::KillContainer => {
                call.kill_container.as_ref().map(|call| kill(&call.container_id, call.signal))?
            }
            Type::KillNestedContainer => {
                call.kill_nested_container.as_ref().map(|call| kill(&call.container_id, call.signal))?
            }
            Type::RemoveContainer => Self::Remove(call.remove_container.as_ref()?.container_id.clone()),
            Type::RemoveNestedContainer => {
                Self::Remove(call.remove_nested_container.as_ref()?.container_id.clone())
            }
            _ => return None,
        })
    }
}

/// What a container gets that is to be killed in no special way.
const KILL: i32 = 9;

impl GuestInfo {
    #[expect(deprecated, reason = "LAUNCH_NESTED_CONTAINER is older than LAUNCH_CONTAINER")]
    fn of(call: &Call) -> Option<Self> {
        if let Some(launch) =
            call.launch_container.as_ref().filter(|_| call.r#type() == Type::LaunchContainer)
        {
            return Some(Self {
                container_id: launch.container_id.clone(),
                command: launch.command.clone().unwrap_or_default(),
                container: launch.container.clone(),
                resources: launch.resources.clone(),
                session: false,
            });
        }
        if call.r#type() == Type::LaunchNestedContainerSession {
            let launch = call.launch_nested_container_session.as_ref()?;
            return Some(Self {
                container_id: launch.container_id.clone(),
                command: launch.command.clone().unwrap_or_default(),
                container: launch.container.clone(),
                resources: Vec::new(),
                session: true,
            });
        }
        let launch = call.launch_nested_container.as_ref()?;
        Some(Self {
            container_id: launch.container_id.clone(),
            command: launch.command.clone().unwrap_or_default(),
            container: launch.container.clone(),
            resources: Vec::new(),
            session: false,
        })
    }
}

/// Parents first, as Mesos writes nested containers.
pub fn full_name(id: &ContainerId) -> String {
    match &id.parent {
        Some(parent) => format!("{}.{}", full_name(parent), id.value),
        None => id.value.clone(),
    }
}

/// The container that a nested one lies in, however deep; of one that is not nested, itself.
pub fn root(id: &ContainerId) -> &ContainerId {
    id.parent.as_deref().map_or(id, root)
}
