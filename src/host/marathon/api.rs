//! The listener: requests for Marathon, streams of events, and the page.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{
    Seat,
    lane::{Order, Watcher},
};
use crate::{
    host::{
        http::{
            HeaderName, HeaderValue, Method, Request, Response, Router, StatusCode, channel, decode_path,
            header,
        },
        pages,
    },
    services::marathon::api::{self, Answer},
};

/// How many bytes of events may wait for one who listens.
const LIMIT: usize = 16 << 20;

static WATCHERS: AtomicU64 = AtomicU64::new(1);

pub(super) fn router(seat: &Arc<Seat>) -> Router {
    let (events, requests) = (Arc::clone(seat), Arc::clone(seat));
    let router = Router::new("marathon")
        .route("/v2/events", move |request| watch(&events, request))
        .route("/ui", |request| pages::answer(pages::MARATHON, request))
        .fallback_async(move |request| answer(Arc::clone(&requests), request));
    pages::parts(router, pages::MARATHON)
}

async fn answer(seat: Arc<Seat>, request: Request) -> Response {
    let Some(shared) = seat.shared() else { return unavailable() };
    let text = |name: header::HeaderName| request.header(name).map(str::to_owned);
    let Ok(path) = decode_path(&request.path) else {
        return respond(Answer::failure(400, "malformed path"), &request.method);
    };
    let asked = api::Request {
        method: request.method.to_string(),
        path,
        query: request.pairs.clone(),
        accept: text(header::ACCEPT),
        content_type: text(header::CONTENT_TYPE),
        body: request.body.clone(),
        remote: request.peer.ip().to_string(),
    };
    let answer = shared.request(asked);
    drop(shared);
    match answer.await {
        Ok(answer) => respond(answer, &request.method),
        Err(_) => unavailable(),
    }
}

fn unavailable() -> Response {
    respond(Answer::failure(503, "There is no leader"), &Method::GET)
}

fn respond(answer: Answer, method: &Method) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::empty(status)
        .with(header::CACHE_CONTROL, "no-cache, no-store, must-revalidate")
        .with(header::PRAGMA, "no-cache")
        .with(header::EXPIRES, "0");
    for (name, value) in &answer.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            response = response.with(name, value);
        }
    }
    if !answer.body.is_empty() {
        response = response.with(header::CONTENT_TYPE, answer.content_type);
    }
    if *method == Method::HEAD { response } else { response.with_body(answer.body) }
}

/// Events from now on, of the types that are named, or all.
fn watch(seat: &Arc<Seat>, request: &Request) -> Response {
    let accept = request.headers.get(header::ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    let wants_stream = String::from_utf8_lossy(accept).contains("text/event-stream");
    if !matches!(request.method, Method::GET | Method::HEAD) || !wants_stream {
        return not_a_stream(request);
    }
    let Some(shared) = seat.shared() else { return unavailable() };
    let kinds = request.pairs.iter().filter(|(name, _)| name == "event_type").map(|(_, kind)| kind.clone());
    let id = WATCHERS.fetch_add(1, Ordering::Relaxed);
    let (sink, body) = channel(request, LIMIT);
    let left = Arc::clone(&shared);
    let body = body.on_gone(move || left.order(Order::Detach(id)));
    let remote = request.peer.ip().to_string();
    shared.attach(Watcher { id, sink, kinds: kinds.collect(), remote });
    Response::stream("text/event-stream", body)
        .with(header::CACHE_CONTROL, "no-cache, no-store, must-revalidate")
        .with(HeaderName::from_static("x-marathon-leader"), format!("http://{}", seat.options.leader()))
}

/// As Marathon's servlet has it.
fn not_a_stream(request: &Request) -> Response {
    let page = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\n\
         <title>Error 405 HTTP method {method} is not supported by this URL</title>\n</head>\n<body>\
         <h2>HTTP ERROR 405</h2>\n<p>Problem accessing /v2/events. Reason:\n<pre>    HTTP method {method} is not \
         supported by this URL</pre></p>\n</body>\n</html>\n",
        method = request.method,
    );
    Response::empty(StatusCode::METHOD_NOT_ALLOWED)
        .with(header::CONTENT_TYPE, "text/html;charset=iso-8859-1")
        .with_body(page)
}
