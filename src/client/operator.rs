//! The v1 operator API of the leading master, in protobuf.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use prost::Message;
use reqwest::{RequestBuilder, Response, Url};

use crate::{
    client::{
        ClientError, Http,
        http::{accepted, base_url, sent, whole, within},
        masters::Masters,
        records::{Records, patience},
    },
    mesos::v1::{
        AgentId, VersionInfo,
        master::{Call, Event, Response as Answer, call, response},
    },
};

const PATH: &str = "/api/v1";
const REDIRECTS: usize = 5;
/// Until the master has said how often its heart beats.
const FIRST_PATIENCE: Duration = Duration::from_secs(45);

/// A master, or several of which one leads.
#[derive(Debug)]
pub struct Operator {
    http: Http,
    masters: Mutex<Masters>,
}

impl Operator {
    pub fn new(http: Http, masters: Masters) -> Self {
        Self { http, masters: Mutex::new(masters) }
    }

    /// The master that is believed to lead.
    pub fn master(&self) -> Url {
        self.with(|masters| masters.current().clone())
    }

    /// Looks up who leads, without holding the others up.
    async fn find(&self) -> Result<(), ClientError> {
        if self.with(|masters| masters.zookeeper().is_none()) {
            return Ok(());
        }
        let mut masters = self.with(|masters| masters.clone());
        masters.find().await?;
        self.with(|known| *known = masters);
        Ok(())
    }

    fn with<T>(&self, look: impl FnOnce(&mut Masters) -> T) -> T {
        look(&mut self.masters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a call that is answered with a message.
    ///
    /// # Errors
    /// When no leading master can be reached or it refuses.
    pub async fn ask(&self, call: &Call) -> Result<Answer, ClientError> {
        let (url, response) = self.send(call).await?;
        Answer::decode(whole(&url, response).await?)
            .map_err(|error| ClientError::Malformed(error.to_string()))
    }

    /// Makes a call that is answered with a status only, such as TEARDOWN or MARK_AGENT_GONE.
    ///
    /// # Errors
    /// As [`Operator::ask`].
    pub async fn tell(&self, call: &Call) -> Result<(), ClientError> {
        self.send(call).await.map(drop)
    }

    async fn send(&self, call: &Call) -> Result<(Url, Response), ClientError> {
        self.of_the_leader(PATH, |url| self.http.call(url, call)).await
    }

    /// Makes a request of the master that leads, found through the others when need be.
    async fn of_the_leader(
        &self,
        path: &str,
        request: impl Fn(&Url) -> RequestBuilder,
    ) -> Result<(Url, Response), ClientError> {
        self.find().await?;
        let mut others = self.with(|masters| masters.others());
        for _ in 0..REDIRECTS + others {
            let url = self.with(|masters| masters.endpoint(path));
            let answer = match within(&url, sent(&url, request(&url))).await {
                Ok(response) => accepted(response).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(response) => return Ok((url, response)),
                Err(ClientError::Refused { status: 307, body })
                    if self.with(|masters| masters.redirected(&body.message)) => {}
                Err(error) => {
                    let leads_not = matches!(error.status(), None | Some(307 | 503));
                    if leads_not {
                        self.with(Masters::failed);
                    }
                    if !leads_not || others == 0 {
                        return Err(error);
                    }
                    others -= 1;
                }
            }
        }
        self.with(Masters::failed);
        Err(ClientError::NoLeader(format!("sent on {REDIRECTS} times")))
    }

    /// `/state`, the whole cluster in the JSON of old.
    ///
    /// # Errors
    /// As [`Operator::ask`].
    pub async fn state_json(&self) -> Result<Bytes, ClientError> {
        let (url, response) = self.of_the_leader("/state", |url| self.http.0.get(url.clone())).await?;
        whole(&url, response).await
    }

    async fn get<T>(
        &self,
        kind: call::Type,
        pick: impl FnOnce(Answer) -> Option<T>,
    ) -> Result<T, ClientError> {
        let answer = self.ask(&of(kind)).await?;
        pick(answer).ok_or_else(|| {
            ClientError::Malformed(format!("{} was answered with something else", kind.as_str_name()))
        })
    }

    pub async fn get_health(&self) -> Result<bool, ClientError> {
        self.get(call::Type::GetHealth, |answer| answer.get_health).await.map(|health| health.healthy)
    }

    pub async fn get_version(&self) -> Result<VersionInfo, ClientError> {
        self.get(call::Type::GetVersion, |answer| answer.get_version)
            .await
            .map(|version| version.version_info)
    }

    pub async fn get_state(&self) -> Result<response::GetState, ClientError> {
        self.get(call::Type::GetState, |answer| answer.get_state).await
    }

    pub async fn get_agents(&self) -> Result<response::GetAgents, ClientError> {
        self.get(call::Type::GetAgents, |answer| answer.get_agents).await
    }

    pub async fn get_tasks(&self) -> Result<response::GetTasks, ClientError> {
        self.get(call::Type::GetTasks, |answer| answer.get_tasks).await
    }

    pub async fn get_frameworks(&self) -> Result<response::GetFrameworks, ClientError> {
        self.get(call::Type::GetFrameworks, |answer| answer.get_frameworks).await
    }

    pub async fn get_executors(&self) -> Result<response::GetExecutors, ClientError> {
        self.get(call::Type::GetExecutors, |answer| answer.get_executors).await
    }

    pub async fn get_roles(&self) -> Result<response::GetRoles, ClientError> {
        self.get(call::Type::GetRoles, |answer| answer.get_roles).await
    }

    pub async fn get_master(&self) -> Result<response::GetMaster, ClientError> {
        self.get(call::Type::GetMaster, |answer| answer.get_master).await
    }

    pub async fn get_flags(&self) -> Result<response::GetFlags, ClientError> {
        self.get(call::Type::GetFlags, |answer| answer.get_flags).await
    }

    pub async fn get_metrics(&self) -> Result<response::GetMetrics, ClientError> {
        let call = Call { get_metrics: Some(call::GetMetrics::default()), ..of(call::Type::GetMetrics) };
        let answer = self.ask(&call).await?;
        answer
            .get_metrics
            .ok_or_else(|| ClientError::Malformed("GET_METRICS was answered with something else".to_owned()))
    }

    /// Removes a framework and kills its tasks.
    pub async fn teardown(&self, framework_id: &str) -> Result<(), ClientError> {
        let teardown = call::Teardown { framework_id: framework_id.into() };
        self.tell(&Call { teardown: Some(teardown), ..of(call::Type::Teardown) }).await
    }

    /// Where an agent is asked that the master knows.
    ///
    /// # Errors
    /// Also when the master knows no such agent.
    pub async fn agent_url(&self, id: &AgentId) -> Result<Url, ClientError> {
        let agents = self.get_agents().await?.agents;
        let agent = agents.iter().find(|agent| agent.agent_info.id.as_ref() == Some(id));
        match agent.and_then(|agent| self.url_of(agent)) {
            Some(url) => base_url(&url),
            None => Err(ClientError::Malformed(format!("the master knows no agent `{id}`"))),
        }
    }

    /// Where this agent is asked; none while the master has no address of it.
    pub fn url_of(&self, agent: &response::get_agents::Agent) -> Option<String> {
        self.with(|masters| masters.published().agent(agent))
    }

    /// The changes of the cluster, beginning with all that is there.
    ///
    /// # Errors
    /// As [`Operator::ask`].
    pub async fn subscribe(&self) -> Result<OperatorEvents, ClientError> {
        let (_, response) = self.send(&of(call::Type::Subscribe)).await?;
        Ok(OperatorEvents { records: Records::new(response), patience: FIRST_PATIENCE })
    }
}

fn of(kind: call::Type) -> Call {
    Call { r#type: Some(kind.into()), ..Call::default() }
}

/// The events of one operator subscription.
pub struct OperatorEvents {
    records: Records,
    patience: Duration,
}

impl OperatorEvents {
    /// The next event, heartbeats included. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// When the stream ends, is garbled, or stays silent for three heartbeats.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        let event: Event = self.records.next(self.patience).await?;
        let subscribed = event.subscribed.as_ref();
        let seconds = subscribed.and_then(|subscribed| subscribed.heartbeat_interval_seconds);
        self.patience = patience(seconds).unwrap_or(self.patience);
        Ok(event)
    }
}
