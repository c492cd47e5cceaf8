//! libprocess' routing: the first part of a path names a process, the rest one of its endpoints; the longest
//! prefix wins, and what names no process goes to the delegate, so that `/state` is `/master/state`. A message is
//! no call of an endpoint, whatever its path: it goes to the inbox.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use http::{HeaderMap, Method, header};

use super::{
    message::{self, Inbox, Incoming, Receipt},
    percent,
    request::{Request, RequestBody},
    response::Response,
};

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;
type Handler = Arc<dyn Fn(Request) -> Answer + Send + Sync>;
pub(super) type Reader = Arc<dyn Fn(Request, RequestBody) -> Answer + Send + Sync>;

/// Endpoints by process and name.
#[derive(Clone)]
pub struct Router {
    delegate: String,
    processes: BTreeMap<String, BTreeMap<String, Handler>>,
    fallback: Option<Handler>,
    reader: Option<Reader>,
    /// For bodies of this type that are sent to this path.
    streams: Vec<(String, &'static str, Reader)>,
    inbox: Option<Inbox>,
}

impl Router {
    /// `delegate` is the process that answers for paths that name none, such as `master`.
    pub fn new(delegate: impl Into<String>) -> Self {
        Self {
            delegate: delegate.into(),
            processes: BTreeMap::new(),
            fallback: None,
            reader: None,
            streams: Vec::new(),
            inbox: None,
        }
    }

    /// An endpoint that answers at once. `path` is `/process/name` and also takes whatever lies below it;
    /// methods are the handler's business.
    #[must_use]
    pub fn route(self, path: &str, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        self.handler(path, Arc::new(move |request| Box::pin(std::future::ready(handler(&request)))))
    }

    /// An endpoint that has to wait for something.
    #[must_use]
    pub fn route_async<F>(self, path: &str, handler: impl Fn(Request) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        self.handler(path, Arc::new(move |request| Box::pin(handler(request))))
    }

    /// Answers what no endpoint answers, in place of the recorded 404.
    #[must_use]
    pub fn fallback(mut self, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        self.fallback = Some(Arc::new(move |request| Box::pin(std::future::ready(handler(&request)))));
        self
    }

    /// As [`Router::fallback`], for what has to wait for something.
    #[must_use]
    pub fn fallback_async<F>(mut self, handler: impl Fn(Request) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        self.fallback = Some(Arc::new(move |request| Box::pin(handler(request))));
        self
    }

    /// Answers what no endpoint answers, and reads the bodies of these requests by itself: they are of any length, and are
    /// neither collected nor unpacked.
    #[must_use]
    pub fn reading<F>(mut self, handler: impl Fn(Request, RequestBody) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        self.reader = Some(Arc::new(move |request, body| Box::pin(handler(request, body))));
        self
    }

    /// An endpoint whose requests of this `Content-Type` are answered while they come, whatever else answers others: the
    /// handler reads their bodies, of any length. `path` is `/process/name`, and for the delegate `/name` too.
    #[must_use]
    pub fn streaming<F>(
        mut self,
        path: &str,
        content_type: &'static str,
        handler: impl Fn(Request, RequestBody) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let reader: Reader = Arc::new(move |request, body| Box::pin(handler(request, body)));
        self.streams.push((path.to_owned(), content_type, reader));
        self
    }

    /// Who reads the body of what is asked for, if anybody does.
    pub(super) fn reader(&self, path: &str, headers: &HeaderMap) -> Option<&Reader> {
        let stream = self.streams.iter().find(|(endpoint, content_type, _)| {
            let is_of_type = headers.get(header::CONTENT_TYPE).is_some_and(|it| it == content_type);
            let own = endpoint.strip_prefix('/').and_then(|rest| rest.strip_prefix(&self.delegate));
            is_of_type && (path == endpoint || own == Some(path) || is_encoded(path, endpoint))
        });
        if let Some((_, _, reader)) = stream {
            return Some(reader);
        }
        let reader = self.reader.as_ref()?;
        let proper = path.starts_with('/') && !path.contains("/..");
        (proper && self.find(path).is_none()).then_some(reader)
    }

    /// Takes libprocess messages, and says of each whether there is a process of the id that it is for. Without an
    /// inbox they are requests like others.
    #[must_use]
    pub fn messages(mut self, handler: impl Fn(Incoming) -> Receipt + Send + Sync + 'static) -> Self {
        self.inbox = Some(Inbox { handler: Arc::new(handler), matches_addresses: false });
        self
    }

    /// Refuses messages whose sender does not stand where they come from, as
    /// `LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH=true` has it.
    #[must_use]
    pub fn match_addresses(mut self) -> Self {
        self.inbox = self.inbox.map(|inbox| Inbox { matches_addresses: true, ..inbox });
        self
    }

    /// Whether a request goes to the inbox.
    pub(super) fn is_message(&self, method: &Method, headers: &HeaderMap) -> bool {
        self.inbox.is_some() && message::is_message(method, headers)
    }

    fn handler(mut self, path: &str, handler: Handler) -> Self {
        let path = path.trim_start_matches('/');
        let (process, name) = path.split_once('/').unwrap_or((path, ""));
        self.processes.entry(process.to_owned()).or_default().insert(name.to_owned(), handler);
        self
    }

    /// Answers a request, with the recorded texts where there is nothing to answer it.
    pub async fn answer(&self, request: Request) -> Response {
        if !request.path.starts_with('/') {
            return Response::bad_request("Request URL path must start with '/'");
        }
        if let Some(inbox) = &self.inbox
            && message::is_message(&request.method, &request.headers)
        {
            return message::deliver(inbox, request);
        }
        if request.path.contains("/..") {
            return Response::not_found();
        }
        match self.find(&request.path).or(self.fallback.as_ref()) {
            Some(handler) => handler(request).await,
            None => Response::not_found(),
        }
    }

    fn find(&self, path: &str) -> Option<&Handler> {
        let first = path.split('/').find(|part| !part.is_empty()).unwrap_or_default();
        let named = percent::decode(first).ok().and_then(|process| self.processes.get(&process));
        let (endpoints, name) = match named {
            Some(endpoints) => {
                (endpoints, path.strip_prefix('/').and_then(|p| p.strip_prefix(first)).unwrap_or(path))
            }
            None => (self.processes.get(&self.delegate)?, path),
        };
        longest_prefix(endpoints, name.trim_matches('/'))
    }
}

/// `a/b/c`, then `a/b`, then `a`.
/// Whether a path is this endpoint, written with escapes.
fn is_encoded(path: &str, endpoint: &str) -> bool {
    percent::decode(path).is_ok_and(|path| path == endpoint)
}

fn longest_prefix<'a>(endpoints: &'a BTreeMap<String, Handler>, name: &str) -> Option<&'a Handler> {
    let mut name = name;
    loop {
        if let Some(handler) = endpoints.get(name) {
            return Some(handler);
        }
        name = name.rsplit_once('/')?.0.trim_end_matches('/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(path: &str) -> bool {
        let nothing = |_: &Request| Response::ok();
        let router = Router::new("master")
            .route("/master/state", nothing)
            .route("/master/api/v1", nothing)
            .route("/version", nothing)
            .route("/metrics/snapshot", nothing);
        router.find(path).is_some()
    }

    #[test]
    fn matches_as_recorded() {
        for path in [
            "/state",
            "/state/",
            "//state",
            "/master/state",
            "/master//state",
            "/state/below/it",
            "/version",
            "/%76ersion",
            "/version/",
            "/api/v1",
            "/api/v1/",
            "/api/v1/more",
            "/metrics/snapshot",
        ] {
            assert!(finds(path), "{path}");
        }
        for path in [
            "/",
            "/STATE",
            "/state.json",
            "//version",
            "/version/x",
            "/api",
            "/api/v2",
            "/metrics",
            "/master",
            "/master/%73tate",
            "/statex",
            "/master/version",
        ] {
            assert!(!finds(path), "{path}");
        }
    }
}
