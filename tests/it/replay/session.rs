//! One group of recordings performed against our cluster, in the recorded order.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use regex::Regex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    cluster::Cluster,
    exchange::{Exchange, golden, names},
    proto,
    request::{Request, replace, replaced},
    wire::{self, PATIENCE, Stream},
};

const SCHEDULER: &str = "/api/v1/scheduler";

/// The id of the master that was recorded in the groups with this prefix.
pub fn master_id(prefix: &str) -> String {
    let id = Regex::new(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?:S|O)\d").unwrap();
    let answers = names(prefix).into_iter().map(|n| golden(&n).response);
    let found = answers.into_iter().find_map(|raw| {
        let text = String::from_utf8_lossy(&raw).into_owned();
        id.captures(&text).map(|m| m[1].to_owned())
    });
    found.unwrap_or_else(|| panic!("no agent or offer id in group {prefix}"))
}

struct Framework {
    stream: Stream,
    golden: Vec<Value>,
    id: Value,
    stream_id: String,
    used_offers: BTreeSet<String>,
    /// Those of the call under way; a call that is refused uses nothing.
    taken: Vec<String>,
    acknowledged: BTreeSet<String>,
}

/// What came, by name.
pub type Done = BTreeMap<String, Exchange>;

/// Performs exchanges and keeps what came.
pub struct Session<'a> {
    pub cluster: &'a Cluster,
    frameworks: BTreeMap<String, Framework>,
    /// Stream ids of the recording: the name of the stream, and our id.
    stream_ids: BTreeMap<String, (String, String)>,
    /// Text of the recording and ours.
    pub pairs: Vec<(String, String)>,
    /// How many cpus there have to be in the offers that a recorded call takes.
    pub cpus: f64,
    pub done: Done,
}

impl<'a> Session<'a> {
    pub fn new(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            frameworks: BTreeMap::new(),
            stream_ids: BTreeMap::new(),
            pairs: Vec::new(),
            cpus: 4.0,
            done: Done::new(),
        }
    }

    fn address(&self, request: &Request) -> SocketAddr {
        match request.header("host") {
            Some(host) if host.ends_with(":15051") => self.cluster.agent_address(),
            _ => self.cluster.master_address(),
        }
    }

    /// Opens a recorded stream, and waits for its first event.
    pub async fn open(&mut self, name: &str) {
        let recorded = golden(name);
        let answer = recorded.answers().remove(0);
        let request = Request::parse(&recorded.request).unwrap();
        self.subscribe(name, request, recorded.events()).await;
        if let Some(id) = answer.header("mesos-stream-id") {
            let ours = self.framework_mut(name).stream_id.clone();
            self.stream_ids.insert(id.into(), (name.into(), ours));
        }
    }

    /// Opens a stream that was not recorded.
    pub async fn open_own(&mut self, name: &str, path: &str, body: Value) {
        self.subscribe(name, Request::post(path, None, &body), Vec::new()).await;
    }

    async fn subscribe(&mut self, name: &str, mut request: Request, golden: Vec<Value>) {
        self.live(&mut request, None).await;
        let address = self.address(&request);
        let mut stream = Stream::open(address, request.bytes(address.port())).await;
        assert!(stream.until(PATIENCE, |e| !e.events().is_empty()).await, "{name}: no event");
        let so_far = stream.so_far();
        let first = so_far.events().into_iter().next().unwrap_or_default();
        let stream_id = so_far.answers()[0].header("mesos-stream-id").unwrap_or_default().to_owned();
        let framework = Framework {
            stream,
            golden,
            id: first["subscribed"]["framework_id"].clone(),
            stream_id,
            used_offers: BTreeSet::new(),
            taken: Vec::new(),
            acknowledged: BTreeSet::new(),
        };
        self.frameworks.insert(name.into(), framework);
    }

    /// Hangs up a stream and keeps what came on it.
    pub async fn close(&mut self, name: &str) {
        if let Some(framework) = self.frameworks.remove(name) {
            self.done.insert(name.into(), framework.stream.close().await);
        }
    }

    /// Waits until the server has ended the stream.
    pub async fn ended(&mut self, name: &str) {
        let stream = &mut self.framework_mut(name).stream;
        assert!(stream.until(PATIENCE, |_| false).await && stream.is_closed(), "{name}: still open");
    }

    fn framework_mut(&mut self, name: &str) -> &mut Framework {
        self.frameworks.get_mut(name).unwrap_or_else(|| panic!("no open stream {name}"))
    }

    pub fn events(&self, name: &str) -> Vec<Value> {
        self.frameworks.get(name).map(|f| f.stream.so_far().events()).unwrap_or_default()
    }

    pub fn framework_id(&self, name: &str) -> Value {
        self.frameworks[name].id.clone()
    }

    /// Waits for an event on a stream.
    pub async fn event(&mut self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = |e: &Exchange| e.events().into_iter().find(|v| wanted(v));
        let stream = &mut self.framework_mut(name).stream;
        stream.until(PATIENCE, |e| found(e).is_some()).await;
        let so_far = stream.so_far();
        found(&so_far).unwrap_or_else(|| {
            let seen: Vec<String> = so_far.events().iter().map(ToString::to_string).collect();
            panic!("{name}: no {what}; came:\n{}", seen.join("\n"))
        })
    }

    /// The first update of a task with a state.
    pub async fn update(&mut self, name: &str, task: &str, state: &str) -> Value {
        let wanted = |v: &Value| {
            let status = &v["update"]["status"];
            status["task_id"]["value"] == task && status["state"] == state
        };
        let event = self.event(name, &format!("update {task} {state}"), wanted).await;
        event["update"]["status"].clone()
    }

    /// Performs every recorded exchange of the list that has not been performed.
    pub async fn perform_all(&mut self, prefix: &str, keep: impl Fn(&str) -> bool) {
        for name in names(prefix) {
            if keep(&name) && !self.done.contains_key(&name) && !self.frameworks.contains_key(&name) {
                self.perform(&name).await;
            }
        }
    }

    /// Performs a recorded exchange.
    pub async fn perform(&mut self, name: &str) {
        let exchange = self.exchange(name, None).await;
        self.done.insert(name.into(), exchange);
    }

    /// Performs an exchange that was recorded with another framework; what comes of it is not kept.
    pub async fn perform_for(&mut self, name: &str, stream: &str) {
        self.exchange(name, Some(stream)).await;
    }

    async fn exchange(&mut self, name: &str, stream: Option<&str>) -> Exchange {
        let recorded = golden(name);
        let mut request = Request::parse(&recorded.request).unwrap();
        let stream = self.live(&mut request, stream).await;
        let address = self.address(&request);
        // What the server ended is awaited to its end, which may come after the last event.
        let ended = recorded.answers().first().is_some_and(|a| a.done);
        let (events, patience) = match ended {
            true => (0, PATIENCE),
            false => (recorded.events().len(), Duration::from_secs(5)),
        };
        let exchange = wire::exchange(address, request.bytes(address.port()), events, patience).await;
        let refused = exchange.answers().first().is_none_or(|a| a.code() >= 400);
        if let Some(framework) = stream.and_then(|s| self.frameworks.get_mut(&s))
            && refused
        {
            framework.used_offers.retain(|o| !framework.taken.contains(o));
        }
        exchange
    }

    /// A call on the scheduler endpoint that was not recorded; the status code.
    pub async fn call(&mut self, name: &str, mut body: Value) -> u16 {
        let framework = self.framework_mut(name);
        body["framework_id"] = framework.id.clone();
        let request = Request::post(SCHEDULER, Some(&framework.stream_id), &body);
        self.send(request).await
    }

    /// A call on the operator endpoint that was not recorded; the status code.
    pub async fn operate(&mut self, body: Value) -> u16 {
        self.send(Request::post("/api/v1", None, &body)).await
    }

    /// A call of an executor that was not recorded; the status code.
    pub async fn call_agent(&mut self, body: Value) -> u16 {
        self.send_to(self.cluster.agent_address(), Request::post("/api/v1/executor", None, &body)).await
    }

    async fn send(&self, request: Request) -> u16 {
        self.send_to(self.cluster.master_address(), request).await
    }

    async fn send_to(&self, address: SocketAddr, request: Request) -> u16 {
        let exchange = wire::exchange(address, request.bytes(address.port()), 0, PATIENCE).await;
        exchange.answers().first().map_or(0, |a| a.code())
    }

    /// Gives back what is offered, until the next allocation.
    pub async fn decline_all(&mut self, name: &str) {
        let (_, offers) = self.take_offers(name, 0.1).await;
        let decline = json!({ "offer_ids": offers, "filters": { "refuse_seconds": 0 } });
        self.call(name, json!({ "type": "DECLINE", "decline": decline })).await;
    }

    /// Gives back what is offered just now, if anything is.
    pub async fn give_back(&mut self, name: &str) {
        let framework = self.framework_mut(name);
        let used = framework.used_offers.clone();
        let offers = outstanding(&framework.stream.so_far().events(), &used);
        if !offers.is_empty() {
            self.decline_all(name).await;
        }
    }

    pub async fn kill(&mut self, name: &str, task: &str) {
        let events = self.events(name);
        let mut statuses = events.iter().map(|e| &e["update"]["status"]);
        let last = statuses.rfind(|s| s["task_id"]["value"] == task);
        let agent = last.map_or_else(|| self.agent_id(name), |s| s["agent_id"].clone());
        let kill = json!({ "task_id": { "value": task }, "agent_id": agent });
        self.call(name, json!({ "type": "KILL", "kill": kill })).await;
    }

    /// The agent of the first offer on a stream.
    pub fn agent_id(&self, name: &str) -> Value {
        let events = self.events(name);
        let offers = events.iter().find(|e| e["type"] == "OFFERS");
        offers.map_or(Value::Null, |e| e["offers"]["offers"][0]["agent_id"].clone())
    }

    pub async fn launch(&mut self, name: &str, cpus: f64, tasks: impl Fn(&Value) -> Vec<Value>) {
        let launch = |agent: &Value| json!([{ "type": "LAUNCH", "launch": { "task_infos": tasks(agent) } }]);
        self.accept(name, cpus, launch).await;
    }

    /// Accepts what is offered for these operations on the agent that is given.
    pub async fn accept(&mut self, name: &str, cpus: f64, operations: impl Fn(&Value) -> Value) {
        let (agent, offers) = self.take_offers(name, cpus).await;
        let filters = json!({ "refuse_seconds": 0 });
        let accept = json!({ "offer_ids": offers, "operations": operations(&agent), "filters": filters });
        assert_eq!(self.call(name, json!({ "type": "ACCEPT", "accept": accept })).await, 202);
    }

    /// Waits until the outstanding offers hold so many cpus.
    pub async fn offered(&mut self, name: &str, cpus: f64) -> Vec<Value> {
        let framework = self.framework_mut(name);
        let used = framework.used_offers.clone();
        let enough = |e: &Exchange| offered_cpus(&outstanding(&e.events(), &used)) >= cpus - 1e-9;
        framework.stream.until(PATIENCE, enough).await;
        let offers = outstanding(&framework.stream.so_far().events(), &used);
        assert!(offered_cpus(&offers) >= cpus - 1e-9, "{name}: no offers with {cpus} cpus");
        offers
    }

    /// Takes the outstanding offers as soon as they hold so many cpus.
    pub async fn take_offers(&mut self, name: &str, cpus: f64) -> (Value, Vec<Value>) {
        let offers = self.offered(name, cpus).await;
        let framework = self.framework_mut(name);
        let agent = offers[0]["agent_id"].clone();
        let ids: Vec<Value> = offers.iter().map(|o| o["id"].clone()).collect();
        framework.taken = ids.iter().filter_map(|i| i["value"].as_str()).map(str::to_owned).collect();
        framework.used_offers.extend(framework.taken.clone());
        (agent, ids)
    }

    pub async fn acknowledge(&mut self, name: &str, task: &str, state: &str) {
        let status = self.update(name, task, state).await;
        self.acknowledge_status(name, &status).await;
    }

    async fn acknowledge_status(&mut self, name: &str, status: &Value) {
        let acknowledge = json!({
            "agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"],
        });
        self.framework_mut(name).acknowledged.insert(status["uuid"].to_string());
        self.call(name, json!({ "type": "ACKNOWLEDGE", "acknowledge": acknowledge })).await;
    }

    /// Waits until as many events of a kind have come as were recorded.
    pub async fn as_many_as_recorded(&mut self, name: &str, kind: &str) {
        let framework = self.framework_mut(name);
        let count = |events: &[Value]| events.iter().filter(|e| e["type"] == kind).count();
        let recorded = count(&framework.golden);
        let stream = &mut framework.stream;
        assert!(stream.until(PATIENCE, |e| count(&e.events()) >= recorded).await, "{name}: too few {kind}");
    }

    pub async fn more_events(&mut self, name: &str, before: usize) {
        let stream = &mut self.framework_mut(name).stream;
        assert!(stream.until(PATIENCE, |e| e.events().len() > before).await, "{name}: nothing more came");
    }

    /// Asks the master until the answer is as wanted.
    pub async fn until(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) {
        let address = self.cluster.master_address();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let exchange = wire::exchange(address, request.clone(), 0, PATIENCE).await;
            let body = serde_json::from_slice(&exchange.answers()[0].body).unwrap();
            if wanted(&body) {
                return;
            }
            assert!(Instant::now() < deadline, "{path}: not {what}: {body}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for so many updates of a task.
    pub async fn updates(&mut self, name: &str, task: &str, count: usize) -> Vec<Value> {
        let of = |e: &Exchange| -> Vec<Value> {
            let statuses = e.events().into_iter().map(|e| e["update"]["status"].clone());
            statuses.filter(|s| s["task_id"]["value"] == task).collect()
        };
        let stream = &mut self.framework_mut(name).stream;
        stream.until(PATIENCE, |e| of(e).len() >= count).await;
        of(&stream.so_far())
    }

    /// Keeps the events after the first `before` as those that followed an exchange, once the expected tasks have theirs.
    pub async fn followed(&mut self, exchange: &str, name: &str, before: usize, expected: &[Value]) {
        let task = |e: &Value| e["update"]["status"]["task_id"]["value"].clone();
        let by_master = |e: &&Value| e["update"]["status"]["source"] == "SOURCE_MASTER";
        let wanted: Vec<Value> = expected.iter().filter(|e| by_master(e)).map(task).collect();
        let stream = &mut self.framework_mut(name).stream;
        let all = |e: &Exchange| {
            let tasks: Vec<Value> = e.events().iter().skip(before).map(task).collect();
            wanted.iter().all(|w| tasks.contains(w))
        };
        stream.until(Duration::from_secs(3), all).await;
        let events = self.events(name).split_off(before);
        if let Some(done) = self.done.get_mut(exchange) {
            done.events = Some(events);
        }
    }

    /// Acknowledges what has come and waits for it.
    pub async fn acknowledge_new(&mut self, name: &str) {
        self.acknowledge_until(name, &[]).await;
    }

    /// Acknowledges what comes, until the outstanding offers hold so many cpus.
    pub async fn offered_meanwhile_acknowledging(&mut self, name: &str, cpus: f64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.acknowledge_new(name).await;
            let seen = self.events(name);
            if offered_cpus(&outstanding(&seen, &self.framework_mut(name).used_offers)) >= cpus - 1e-9 {
                return;
            }
            assert!(Instant::now() < deadline, "{name}: no offers with {cpus} cpus");
            self.more_events(name, seen.len()).await;
        }
    }

    /// Acknowledges updates, with the recorded request where there is one, until all these tasks are in these states.
    pub async fn perform_acknowledgements(&mut self, group: &str, name: &str, wanted: &[(&str, &str)]) {
        for (task, last) in wanted {
            for state in ["TASK_STARTING", "TASK_RUNNING", last] {
                let status = self.update(name, task, state).await;
                if self.framework_mut(name).acknowledged.contains(&status["uuid"].to_string()) {
                    continue;
                }
                let end = format!("-ACKNOWLEDGE-{task}-{state}");
                match names(group).into_iter().find(|n| n.ends_with(&end)) {
                    Some(recorded) => self.perform(&recorded).await,
                    None => self.acknowledge_status(name, &status).await,
                }
            }
        }
    }

    /// `/state` of the agent.
    pub async fn agent_state(&self) -> Value {
        self.ask_agent("/state").await
    }

    async fn ask_agent(&self, path: &str) -> Value {
        let address = self.cluster.agent_address();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        let exchange = wire::exchange(address, request, 0, PATIENCE).await;
        serde_json::from_slice(&exchange.answers()[0].body).unwrap()
    }

    /// Waits until the agent runs nothing more: executors stay a little longer than their tasks.
    pub async fn until_the_agent_is_empty(&self) {
        self.until_the_agent("/state", "empty", |state| state["frameworks"] == json!([])).await;
    }

    /// Waits until so many tasks of the one executor that runs are complete: the agent hears of an acknowledgement later
    /// than the master.
    pub async fn until_the_agent_has_completed(&self, count: usize) {
        let completed = |state: &Value| state["frameworks"][0]["executors"][0]["completed_tasks"].clone();
        let wanted = |state: &Value| completed(state).as_array().is_some_and(|tasks| tasks.len() == count);
        self.until_the_agent("/state", &format!("with {count} completed tasks"), wanted).await;
    }

    /// Asks the agent until the answer is as wanted.
    pub async fn until_the_agent(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.ask_agent(path).await) {
            assert!(Instant::now() < deadline, "{path} of the agent: not {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Acknowledges every update as it comes, until all these tasks are in these states.
    pub async fn acknowledge_until(&mut self, name: &str, wanted: &[(&str, &str)]) {
        let reached = |statuses: &[Value]| {
            wanted.iter().all(|(task, state)| {
                statuses.iter().any(|s| s["task_id"]["value"] == *task && s["state"] == *state)
            })
        };
        self.acknowledge_while(name, &format!("{wanted:?}"), |statuses| !reached(statuses)).await;
    }

    /// Acknowledges every update as it comes, as long as this holds for what has come.
    pub async fn acknowledge_while(&mut self, name: &str, what: &str, holds: impl Fn(&[Value]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // What comes while others are acknowledged is news too.
            let events = self.events(name);
            let seen = events.len();
            let statuses: Vec<Value> = events.iter().map(|e| e["update"]["status"].clone()).collect();
            let acknowledged = self.framework_mut(name).acknowledged.clone();
            let open = |s: &&Value| s["uuid"].is_string() && !acknowledged.contains(&s["uuid"].to_string());
            let open: Vec<Value> = statuses.iter().filter(open).cloned().collect();
            for status in &open {
                self.acknowledge_status(name, status).await;
            }
            if !holds(&statuses) {
                return;
            }
            let stream = &mut self.framework_mut(name).stream;
            let more = stream.until(PATIENCE, |e| e.events().len() > seen).await;
            let in_time = more && !stream.is_closed() && Instant::now() < deadline;
            assert!(in_time, "{name}: {what} not reached; came {statuses:#?}");
        }
    }

    /// Puts what our master gave in the place of what the recorded one gave; the stream that the request belongs to.
    async fn live(&mut self, request: &mut Request, stream: Option<&str>) -> Option<String> {
        let recorded = request.header("mesos-stream-id").and_then(|id| self.stream_ids.get(id)).cloned();
        let of = |s: &str| (s.to_owned(), self.frameworks[s].stream_id.clone());
        let stream = match stream.map(of).or(recorded) {
            Some((stream, id)) => {
                request.set_header("Mesos-Stream-Id", &id);
                Some(stream)
            }
            None => None,
        };
        request.line = replaced(&request.line, &self.pairs);
        if request.is_protobuf() && stream.is_some() {
            let mut body = proto::scheduler_call(&request.body);
            self.live_body(&mut body, stream.as_deref()).await;
            request.body = proto::encoded_scheduler_call(&body);
        } else if let Some(recorded) = request.json() {
            let mut body = recorded.clone();
            self.live_body(&mut body, stream.as_deref()).await;
            if body != recorded {
                request.body = body.to_string().into_bytes();
            }
        } else if let Ok(text) = std::str::from_utf8(&request.body) {
            request.body = replaced(text, &self.pairs).into_bytes();
        }
        stream
    }

    async fn live_body(&mut self, body: &mut Value, stream: Option<&str>) {
        replace(body, &self.pairs);
        let Some(stream) = stream.filter(|s| self.frameworks.contains_key(*s)) else { return };
        let id = &self.framework_mut(stream).id;
        if body["framework_id"]["value"]
            .as_str()
            .is_some_and(|t| t.ends_with("-0000") || t.ends_with("-0001"))
        {
            body["framework_id"] = id.clone();
        }
        for call in ["accept", "decline"] {
            let given = body[call]["offer_ids"].as_array().cloned().unwrap_or_default();
            let real = given.iter().any(|i| i["value"].as_str().is_some_and(|t| t.contains("-O")));
            if real {
                let (_, mut ids) = self.take_offers(stream, self.cpus).await;
                if given.len() > 1 && given[0] == given[given.len() - 1] {
                    ids.extend(ids.clone());
                }
                body[call]["offer_ids"] = Value::Array(ids);
            }
        }
        if let Some(uuid) = body["acknowledge"]["uuid"].as_str().map(str::to_owned)
            && let Some(status) = self.recorded_status(stream, &uuid)
        {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let ours = self.update(stream, &text(&status["task_id"]["value"]), &text(&status["state"])).await;
            self.framework_mut(stream).acknowledged.insert(ours["uuid"].to_string());
            body["acknowledge"]["uuid"] = ours["uuid"].clone();
        }
    }

    fn recorded_status(&self, stream: &str, uuid: &str) -> Option<Value> {
        let events = self.frameworks.get(stream)?.golden.iter();
        events.map(|e| &e["update"]["status"]).find(|s| s["uuid"] == uuid).cloned()
    }
}

fn outstanding(events: &[Value], used: &BTreeSet<String>) -> Vec<Value> {
    let mut offers: BTreeMap<String, Value> = BTreeMap::new();
    for event in events {
        for offer in event["offers"]["offers"].as_array().into_iter().flatten() {
            offers.insert(offer["id"]["value"].as_str().unwrap_or_default().into(), offer.clone());
        }
        if let Some(id) = event["rescind"]["offer_id"]["value"].as_str() {
            offers.remove(id);
        }
    }
    offers.into_iter().filter(|(id, _)| !used.contains(id)).map(|(_, offer)| offer).collect()
}

fn offered_cpus(offers: &[Value]) -> f64 {
    let resources = offers.iter().flat_map(|o| o["resources"].as_array().into_iter().flatten());
    resources.filter(|r| r["name"] == "cpus").filter_map(|r| r["scalar"]["value"].as_f64()).sum()
}
