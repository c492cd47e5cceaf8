//! The smallest framework that launches and acknowledges, for measuring.

use crate::{
    client::{
        ClientError, Http,
        masters::Masters,
        scheduler::{Caller, Events, subscribe},
    },
    mesos::{
        resources::Resources,
        v1::{
            CommandInfo, FrameworkId, FrameworkInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus,
            offer::{Operation, operation},
            scheduler::{Call, Event, call, event},
        },
    },
};

/// What a task of a measurement does.
pub const COMMAND: &str = "sleep 1000";

pub struct Framework {
    id: FrameworkId,
    caller: Caller,
    events: Events,
}

impl Framework {
    pub async fn subscribe(master: &str) -> Result<Self, ClientError> {
        let info = FrameworkInfo {
            user: std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
            name: "mesoslab-bench".to_owned(),
            roles: vec!["*".to_owned()],
            capabilities: vec![crate::mesos::v1::framework_info::Capability {
                r#type: Some(crate::mesos::v1::framework_info::capability::Type::MultiRole.into()),
            }],
            ..FrameworkInfo::default()
        };
        let body = call::Subscribe { framework_info: info, ..call::Subscribe::default() };
        let call = Call { subscribe: Some(body), ..of(call::Type::Subscribe) };
        let (caller, mut events) = subscribe(&Http::new(), &mut Masters::parse(master)?, &call).await?;
        loop {
            if let Some(subscribed) = events.next().await?.subscribed {
                let framework = Self { id: subscribed.framework_id, caller, events };
                framework.open_connection().await?;
                return Ok(framework);
            }
        }
    }

    /// A framework that has run for a while has its second connection open: asks for nothing, so that this one has too.
    async fn open_connection(&self) -> Result<(), ClientError> {
        self.call(Call { reconcile: Some(call::Reconcile::default()), ..of(call::Type::Reconcile) }).await
    }

    pub async fn offer(&mut self) -> Result<Offer, ClientError> {
        loop {
            let offers = self.events.next().await?.offers.unwrap_or_default();
            if let Some(offer) = offers.offers.into_iter().next() {
                return Ok(offer);
            }
        }
    }

    /// Launches `count` equal tasks with one call.
    pub async fn launch(&mut self, offer: Offer, count: usize) -> Result<(), ClientError> {
        let launch = operation::Launch { task_infos: (0..count).map(|index| task(&offer, index)).collect() };
        let operation = Operation {
            r#type: Some(operation::Type::Launch.into()),
            launch: Some(launch),
            ..Operation::default()
        };
        let accept = call::Accept { offer_ids: vec![offer.id], operations: vec![operation], filters: None };
        self.call(Call { accept: Some(accept), ..of(call::Type::Accept) }).await
    }

    /// Acknowledges updates until `count` tasks have said that they run.
    pub async fn all_running(&mut self, count: usize) -> Result<(), ClientError> {
        let mut running = 0;
        while running < count {
            let event = self.events.next().await?;
            let Some(status) = update(event) else { continue };
            match status.state() {
                TaskState::TaskRunning => running += 1,
                TaskState::TaskStarting => self.acknowledge(status).await?,
                state => {
                    return Err(ClientError::Malformed(format!("a task became {}", state.as_str_name())));
                }
            }
        }
        Ok(())
    }

    pub async fn teardown(self) -> Result<(), ClientError> {
        self.call(of(call::Type::Teardown)).await
    }

    async fn acknowledge(&self, status: TaskStatus) -> Result<(), ClientError> {
        let acknowledge = call::Acknowledge {
            agent_id: status.agent_id.unwrap_or_default(),
            task_id: status.task_id,
            uuid: status.uuid.unwrap_or_default(),
        };
        self.call(Call { acknowledge: Some(acknowledge), ..of(call::Type::Acknowledge) }).await
    }

    async fn call(&self, call: Call) -> Result<(), ClientError> {
        self.caller.call(&Call { framework_id: Some(self.id.clone()), ..call }).await
    }
}

fn of(kind: call::Type) -> Call {
    Call { r#type: Some(kind.into()), ..Call::default() }
}

fn update(event: Event) -> Option<TaskStatus> {
    match event.r#type() {
        event::Type::Update => event.update.map(|update| update.status),
        _ => None,
    }
}

fn task(offer: &Offer, index: usize) -> TaskInfo {
    let resources = Resources::parse("cpus:0.01;mem:32", "*").map(|resources| resources.to_protos());
    TaskInfo {
        name: "bench".to_owned(),
        task_id: TaskId::new(format!("bench-{index}")),
        agent_id: offer.agent_id.clone(),
        resources: resources.unwrap_or_default(),
        command: Some(CommandInfo { value: Some(COMMAND.to_owned()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    }
}
