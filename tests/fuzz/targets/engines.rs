//! Calls and messages that go through validation and into a live master or agent, whose views are rendered after each.

use std::time::Duration;

use mesoslab::{
    engine::{
        agent::{
            self, Agent, AgentConfig,
            view::{Measured, v1 as agent_view},
        },
        legacy::System,
        master::{
            Effect, Input, Master, MasterConfig, Reply, StreamId, validation,
            view::{legacy, v1 as master_view},
        },
        wire::{AgentLink, AgentRegistration, ToAgent, ToMaster, to_agent, to_master},
    },
    mesos::{
        json,
        resources::Resources,
        time::Time,
        v1::{AgentInfo, agent::Call as AgentCall, master::Call as OperatorCall, scheduler::Call},
    },
};
use prost::{Message, Name};

const START: Duration = Duration::from_secs(1_000_000);

const LINK: AgentLink = AgentLink(1);

const PID: &str = "slave(1)@127.0.0.1:5051";

/// The endpoints that show what calls have changed.
const SHOWN: [&str; 8] = [
    "/state",
    "/slaves",
    "/frameworks",
    "/tasks",
    "/roles",
    "/quota",
    "/maintenance/status",
    "/allocator/offer_constraints_debug",
];

/// A call: JSON when it begins with a brace, else protobuf.
fn read<M: Message + Name + Default>(data: &[u8]) -> Option<M> {
    match data.first()? {
        b'{' => json::from_json(data).ok(),
        _ => json::decode(data).ok(),
    }
}

/// A master with an agent and a framework that has been offered it.
struct Cluster {
    master: Master,
    now: Time,
    stream: StreamId,
    agent: agent::Agent,
}

impl Cluster {
    fn new() -> Self {
        let now = Time::from_epoch(START);
        let mut master = Master::new(MasterConfig::default(), now, 7);
        let info = agent_info();
        let mut agent = Agent::new(AgentConfig::new(info.clone(), "/tmp/agent"), now, 7);
        let register = ToMaster::Register(AgentRegistration::new(info, PID));
        let registered = master.handle(now, Input::Agent { link: LINK, message: Box::new(register) });
        agent.handle(now, agent::Input::MasterConnected);
        for effect in registered.effects {
            if let Effect::Agent { message, .. } = effect {
                agent.handle(now, agent::Input::Master(*message));
            }
        }
        let subscribe = r#"{"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "u", "name": "f", "failover_timeout": 60, "roles": ["*", "r"],
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "PARTITION_AWARE"}]}}}"#;
        let call: Call = json::from_json(subscribe).expect("a call");
        let subscribed = master.handle(now, Input::Call { stream: None, call: Box::new(call) });
        let Some(Reply::Stream(stream)) = subscribed.reply else {
            panic!("no stream: {:?}", subscribed.reply)
        };
        Self { master, now, stream, agent }
    }

    /// Does what follows from an input on both sides, and for a minute after it.
    fn input(&mut self, input: Input) -> Option<Reply> {
        let output = self.master.handle(self.now, input);
        self.deliver(output.effects);
        let end = self.now + Duration::from_secs(60);
        for _ in 0..200 {
            let Some(deadline) = self.master.next_deadline().filter(|deadline| *deadline <= end) else {
                break;
            };
            self.now = self.now.max(deadline);
            let output = self.master.handle(self.now, Input::Tick);
            self.deliver(output.effects);
        }
        self.look();
        output.reply
    }

    fn deliver(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Agent { message, .. } = effect {
                let said = self.agent.handle(self.now, agent::Input::Master(*message));
                for effect in said {
                    if let agent::Effect::Master(message) = effect {
                        self.master.handle(self.now, Input::Agent { link: LINK, message });
                    }
                }
            }
        }
    }

    fn look(&self) {
        let (system, none) = (System::default(), Default::default());
        for path in SHOWN {
            let endpoint = legacy::Endpoint::of_path(path).expect("an endpoint");
            endpoint.render(&self.master, self.now, &system, &none).expect("JSON");
        }
        for text in [r#"{"type": "GET_STATE"}"#, r#"{"type": "GET_ROLES"}"#, r#"{"type": "GET_QUOTA"}"#] {
            let call: OperatorCall = json::from_json(text).expect("a call");
            let response = master_view::respond(&self.master, self.now, &system, &call).expect("a response");
            let _text = master_view::response_to_json(&response);
        }
        ask_agent(&self.agent, self.now, &json::from_json(r#"{"type": "GET_STATE"}"#).expect("a call"));
    }
}

fn agent_info() -> AgentInfo {
    AgentInfo {
        hostname: "localhost".into(),
        port: Some(5051),
        resources: Resources::parse("cpus:4;mem:4096;disk:1024;ports:[31000-31099]", "*")
            .expect("resources")
            .to_protos(),
        ..AgentInfo::default()
    }
}

fn ask_agent(agent: &Agent, now: Time, call: &AgentCall) {
    let (system, measured) = (System::default(), Measured::new());
    let source = agent_view::Source { agent, now, system: &system, measured: &measured };
    if let Some(response) = agent_view::respond(source, call) {
        let _text = agent_view::response_to_json(&response);
    }
}

/// A call of the framework that is subscribed; it may name any framework, and offers by the ids that they have.
pub fn scheduler_calls(data: &[u8]) {
    let Some(mut call) = read::<Call>(data) else { return };
    let mut cluster = Cluster::new();
    let own = cluster.master.frameworks.keys().next().cloned();
    let is_subscribe = call.subscribe.is_some() && call.framework_id.is_none();
    if !is_subscribe {
        call.framework_id = own;
    }
    let offer = cluster.master.offers.values().next().cloned();
    if let (Some(offer), Some(accept)) = (offer, &mut call.accept) {
        accept.offer_ids = vec![offer.id.clone()];
        for operation in &mut accept.operations {
            let launched = operation.launch.iter_mut().flat_map(|launch| &mut launch.task_infos);
            let grouped = operation.launch_group.iter_mut().flat_map(|group| &mut group.task_group.tasks);
            launched.chain(grouped).for_each(|task| task.agent_id = offer.agent_id.clone());
        }
    }
    let stream = (!is_subscribe).then(|| cluster.stream.clone());
    let reply = cluster.input(Input::Call { stream, call: Box::new(call) });
    assert!(reply.is_some(), "every call is answered");
}

/// A call of an operator, that changes something or reads.
pub fn operator_calls(data: &[u8]) {
    let Some(mut call) = read::<OperatorCall>(data) else { return };
    if validation::call::operator(&call).is_err() {
        return;
    }
    let mut cluster = Cluster::new();
    let agent = cluster.master.agents.keys().next().cloned().unwrap_or_default();
    call.drain_agent.iter_mut().for_each(|it| it.agent_id = agent.clone());
    call.reserve_resources.iter_mut().for_each(|it| it.agent_id = agent.clone());
    call.create_volumes.iter_mut().for_each(|it| it.agent_id = agent.clone());
    let reads = master_view::respond(&cluster.master, cluster.now, &System::default(), &call);
    match reads {
        Some(response) => drop(master_view::response_to_json(&response)),
        None => assert!(cluster.input(Input::Operator(Box::new(call))).is_some(), "every call is answered"),
    }
}

/// A call of an agent's operator API.
pub fn agent_calls(data: &[u8]) {
    let Some(call) = read::<AgentCall>(data) else { return };
    if validation::agent_call::validate(&call).is_err() {
        return;
    }
    let cluster = Cluster::new();
    ask_agent(&cluster.agent, cluster.now, &call);
}

/// Messages of libprocess: a line with the name of one, and its body. Those to a master come from an agent that it knows.
pub fn libprocess(data: &[u8]) {
    let Some(end) = memchr::memchr(b'\n', data) else { return };
    let (Ok(name), body) = (std::str::from_utf8(&data[..end]), &data[end + 1..]) else { return };
    let to_master = ["master", "slave-observer(1)"];
    for to in to_master {
        if let Ok(message) = to_master::decode(PID, to, name, body) {
            let _again = to_master::encode(&message, &sender());
            Cluster::new().input(Input::Agent { link: LINK, message: Box::new(message) });
        }
    }
    if let Ok(message) = to_agent::decode("master@127.0.0.1:5050", name, body) {
        let _again = to_agent::encode(&message);
        let mut cluster = Cluster::new();
        hear(&mut cluster, message);
        cluster.look();
    }
}

fn sender() -> to_master::Sender<'static> {
    to_master::Sender { agent_id: None, pid: PID, resource_version: None }
}

fn hear(cluster: &mut Cluster, message: ToAgent) {
    cluster.agent.handle(cluster.now, agent::Input::Master(message));
    for _ in 0..100 {
        let Some(deadline) = cluster.agent.next_deadline() else { return };
        cluster.now = cluster.now.max(deadline);
        cluster.agent.handle(cluster.now, agent::Input::Tick);
    }
}
