//! The HTTP API: which request asks for what. Answers are computed at once; nothing waits.

mod apps;
mod bulk;
mod group_update;
mod groups;
mod tasks;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    core::{Effect, Marathon},
    form::shape,
    model::{AppId, DeploymentPlan},
    problem::Problem,
};

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// Decoded, without the query.
    pub path: String,
    /// Decoded, in its order; a key may come several times.
    pub query: Vec<(String, String)>,
    pub accept: Option<String>,
    pub content_type: Option<String>,
    pub body: Bytes,
    /// The address of the client.
    pub remote: String,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn json(body: &Value) -> Self {
        Self::text("application/json", body.to_string())
    }

    pub fn text(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status: 200, content_type, headers: Vec::new(), body: body.into() }
    }

    /// An error with a sentence.
    pub fn failure(status: u16, text: &str) -> Self {
        Self { status, ..Self::json(&json!({"message": text})) }
    }

    fn empty(status: u16) -> Self {
        Self { status, ..Self::text("application/json", Bytes::new()) }
    }

    #[must_use]
    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    #[must_use]
    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer to what has begun a deployment.
    fn deployment(plan: &DeploymentPlan) -> Self {
        Self::json(&json!({"version": plan.version, "deploymentId": plan.id}))
            .header("Marathon-Deployment-Id", &plan.id)
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::json(&problem.body()).status(problem.status())
    }
}

impl Request {
    fn query<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).last()
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        self.query(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    fn force(&self) -> bool {
        self.flag("force", false)
    }

    fn json(&self) -> Result<Value, Problem> {
        shape::parse(&self.body)
    }

    /// `scale` and `wipe`, which exclude each other.
    fn scale_and_wipe(&self) -> Result<(bool, bool), Problem> {
        match (self.flag("scale", false), self.flag("wipe", false)) {
            (true, true) => {
                Err(Problem::BadRequest("You cannot use scale and wipe at the same time.".to_owned()))
            }
            both => Ok(both),
        }
    }

    fn accepts(&self, media: &str) -> bool {
        let kind = media.split('/').next().unwrap_or_default();
        self.accept.as_deref().is_none_or(|accept| {
            accept.split(',').map(|each| each.split(';').next().unwrap_or_default().trim()).any(|each| {
                each.is_empty() || each == "*/*" || each == media || each.strip_suffix("/*") == Some(kind)
            })
        })
    }

    fn has_foreign_body(&self) -> bool {
        let media = self.content_type.as_deref().unwrap_or("application/json");
        !self.body.is_empty() && !media.to_ascii_lowercase().starts_with("application/json")
    }
}

/// What a handler makes of a request.
type Outcome = Result<Answer, Problem>;

impl Marathon {
    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.route(request).unwrap_or_else(Answer::from);
        let leader = format!("http://{}", self.options.leader());
        answer.header("X-Marathon-Leader", leader)
    }

    fn route(&mut self, request: &Request) -> Outcome {
        let path = request.path.trim_end_matches('/');
        let Some(path) =
            path.strip_prefix("/v2/").or_else(|| path.strip_prefix("/v2").filter(|r| r.is_empty()))
        else {
            return self.plain(request);
        };
        if request.has_foreign_body() {
            return Ok(Answer::failure(415, "Unsupported Media Type"));
        }
        if !request.accepts("application/json") {
            return Ok(Answer::failure(406, "Not Acceptable"));
        }
        let (resource, rest) = path.split_once('/').unwrap_or((path, ""));
        match resource {
            "apps" => self.apps(request, rest),
            "groups" => self.groups(request, rest),
            "tasks" => self.tasks(request, rest),
            "deployments" => self.deployments(request, rest),
            "queue" => self.queue(request, rest),
            "info" if rest.is_empty() => get(request, || self.info()),
            "leader" if rest.is_empty() => self.leader(request),
            "plugins" if rest.is_empty() => get(request, || json!({"plugins": []})),
            "pods" => pods(request, rest),
            _ => Ok(unknown()),
        }
    }

    fn plain(&mut self, request: &Request) -> Outcome {
        match request.path.as_str() {
            "/" => Ok(Answer::empty(302).header("Location", "/ui/")),
            "/ping" if request.accepts("text/plain") => Ok(Answer::text("text/plain", "pong")),
            "/ping" if request.accepts("application/json") => Ok(Answer::json(&json!("pong"))),
            "/ping" => Ok(Answer::empty(204)),
            "/metrics" => get(request, || self.metrics()),
            "/metrics/prometheus" => Err(Problem::NotFound("The Prometheus reporter is off".to_owned())),
            "/logging" => get(request, || json!({"ROOT": "INFO"})),
            _ => Ok(unknown()),
        }
    }

    fn leader(&mut self, request: &Request) -> Outcome {
        match request.method.as_str() {
            "GET" | "HEAD" => Ok(Answer::json(&json!({"leader": self.options.leader()}))),
            "DELETE" => {
                self.effects.push(Effect::Abdicate);
                Ok(Answer::failure(200, "Leadership abdicated"))
            }
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    fn deployments(&mut self, request: &Request, id: &str) -> Outcome {
        match (request.method.as_str(), id) {
            ("GET" | "HEAD", "") => Ok(Answer::json(&self.deployments_info())),
            ("DELETE", id) if !id.is_empty() => self.cancel(request, id),
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    fn cancel(&mut self, request: &Request, id: &str) -> Outcome {
        let found = self.deployments.iter().find(|deployment| deployment.plan.id == id);
        let Some(deployment) = found else {
            return Err(Problem::NotFound(format!("DeploymentPlan {id} does not exist")));
        };
        if request.force() {
            self.drop_deployment(id, "canceled");
            return Ok(Answer::empty(202));
        }
        let target = self.reverted(deployment);
        let plan = self.change(super::rollout::Change::new(target, AppId::root(), true))?;
        Ok(Answer::deployment(&plan))
    }

    fn queue(&mut self, request: &Request, rest: &str) -> Outcome {
        let delay = rest.strip_suffix("/delay");
        match (request.method.as_str(), delay) {
            ("GET" | "HEAD", None) if rest.is_empty() => {
                let with_offers = request.values("embed").any(|word| word == "lastUnusedOffers");
                Ok(Answer::json(&self.queue_info(with_offers)))
            }
            ("DELETE", Some(id)) => {
                let id = AppId::new(id);
                if !self.launcher.queue().iter().any(|item| item.app.id == id) {
                    return Err(Problem::NotFound(format!("Application {id} not found in tasks queue.")));
                }
                self.feed(super::launcher::api::Input::ResetDelay(id));
                Ok(Answer::empty(204))
            }
            (_, None) if !rest.is_empty() => Ok(unknown()),
            _ => Err(Problem::MethodNotAllowed),
        }
    }
}

fn get(request: &Request, body: impl FnOnce() -> Value) -> Outcome {
    match request.method.as_str() {
        "GET" | "HEAD" => Ok(Answer::json(&body())),
        _ => Err(Problem::MethodNotAllowed),
    }
}

fn pods(request: &Request, rest: &str) -> Outcome {
    match (request.method.as_str(), rest) {
        ("GET", "" | "::status") => Ok(Answer::json(&json!([]))),
        ("GET" | "DELETE", id) => Err(Problem::NotFound(format!(
            "Pod '{}' does not exist",
            AppId::new(id.trim_end_matches("::status"))
        ))),
        _ => Err(Problem::Unprocessable("pods are not supported by this Marathon".to_owned())),
    }
}

fn unknown() -> Answer {
    Answer::failure(404, "URI not found")
}

/// Victims by app.
type Victims = BTreeMap<AppId, Vec<super::model::InstanceId>>;
