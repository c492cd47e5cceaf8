//! Exhibitor's paths, and its page. Almost all is asked by GET, orders too; those a foreign page may not give.

use serde_json::Value;

use super::{ExhibitorHandle, words};
use crate::{
    host::{
        http::{Method, Request, Response, Router, StatusCode, decode_path, header},
        pages,
    },
    services::exhibitor::{
        Input, InstanceState, Switch,
        analysis::{PathRequest, UsageRequest, usage_text},
        config::tag,
        explorer, forms,
        judge::word,
    },
};

const INDEX: &str = "exhibitor/v1/ui/index.html";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

pub(super) fn router(exhibitor: &ExhibitorHandle) -> Router {
    let exhibitor = exhibitor.clone();
    pages::parts(Router::new("exhibitor"), pages::EXHIBITOR).route("/", index).route_async(
        "/exhibitor/v1",
        move |request| {
            let exhibitor = exhibitor.clone();
            async move { answer(&exhibitor, &request).await }
        },
    )
}

/// To the page.
fn index(_: &Request) -> Response {
    Response::empty(StatusCode::FOUND).with(header::LOCATION, INDEX)
}

async fn answer(exhibitor: &ExhibitorHandle, request: &Request) -> Response {
    let Some(path) = parts(&request.path) else { return Response::bad_request("Malformed % escape.") };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let get = matches!(request.method, Method::GET | Method::HEAD);
    match path[..] {
        ["ui", "index.html"] => pages::answer(pages::EXHIBITOR, request),
        ["cluster", ref rest @ ..] if get => cluster(exhibitor, request, rest).await,
        ["explorer", "znode", ref rest @ ..] => mutate(exhibitor, request, rest).await,
        ["explorer", what] => explore(exhibitor, request, what).await,
        ["config", what] => config(exhibitor, request, what),
        _ => Response::not_found(),
    }
}

/// What is behind `/exhibitor/v1`, decoded; a `+` is a `+` in a path. None when it cannot be decoded.
fn parts(path: &str) -> Option<Vec<String>> {
    let below = path.trim_start_matches('/').strip_prefix("exhibitor/v1")?;
    let parts = below.split('/').filter(|part| !part.is_empty());
    parts.map(|part| decode_path(&part.replace('+', "%2B")).ok()).collect()
}

/// Pictures and links of other pages come with GET and without `Origin`; browsers say that of them.
fn is_foreign(request: &Request) -> bool {
    let site = request.headers.get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

fn refused() -> Response {
    Response::forbidden("403 Forbidden. A foreign page may not give orders.")
}

fn body(value: &Value) -> Response {
    Response::bytes(JSON, value.to_string()).with(header::CACHE_CONTROL, "no-store")
}

async fn cluster(exhibitor: &ExhibitorHandle, request: &Request, path: &[&str]) -> Response {
    let (action, value, host) = match *path {
        ["status"] => return body(&status(exhibitor)),
        ["list"] => return list(exhibitor, request),
        ["set", switch, value] => ("set", Some((switch, value)), None),
        ["set", switch, value, host] => ("set", Some((switch, value)), Some(host)),
        ["4ltr", word] => ("4ltr", Some((word, "")), None),
        ["4ltr", word, host] => ("4ltr", Some((word, "")), Some(host)),
        [action] => (action, None, None),
        [action, host] => (action, None, Some(host)),
        _ => return Response::not_found(),
    };
    if !matches!(action, "state" | "4ltr" | "log") && is_foreign(request) {
        return refused();
    }
    if let Some(host) = host.filter(|host| !is_us(exhibitor, host)) {
        return body(&forms::wrapped(Err(format!("`{host}` is not the host of this Exhibitor"))));
    }
    let Some(said) = say(exhibitor, action, value).await else { return Response::not_found() };
    body(&if host.is_some() { forms::wrapped(Ok(said)) } else { said })
}

fn is_us(exhibitor: &ExhibitorHandle, host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host == exhibitor.lock().config.hostname()
}

/// What an action gives; none where there is no such action.
async fn say(exhibitor: &ExhibitorHandle, action: &str, value: Option<(&str, &str)>) -> Option<Value> {
    Some(match (action, value) {
        ("state", None) => forms::state(&exhibitor.lock().supervisor),
        ("log", None) => exhibitor.lock().supervisor.log.text().into(),
        ("start", None) => order(exhibitor, Input::Start),
        ("stop", None) => order(exhibitor, Input::Stop),
        ("restart", None) => order(exhibitor, Input::Restart),
        ("set", Some((switch, on))) => set(exhibitor, switch, on),
        ("4ltr", Some((asked, _))) => four_letters(exhibitor, asked).await,
        _ => return None,
    })
}

fn status(exhibitor: &ExhibitorHandle) -> Value {
    let core = exhibitor.lock();
    forms::status(core.config.hostname(), core.supervisor.judgement())
}

fn list(exhibitor: &ExhibitorHandle, request: &Request) -> Response {
    let core = exhibitor.lock();
    let (hosts, port) = ([core.config.hostname().to_owned()], core.config.client_port());
    let accept = request.header(header::ACCEPT).unwrap_or_default();
    if accept.contains(FORM) && !accept.contains(JSON) {
        return Response::bytes(FORM, forms::form_list(&hosts, port));
    }
    body(&forms::list(&hosts, port))
}

fn order(exhibitor: &ExhibitorHandle, order: Input) -> Value {
    exhibitor.input(order);
    let governs = exhibitor.lock().supervisor.governs();
    let nobody = || "this Exhibitor only looks at the ZooKeeper, which somebody else runs".to_owned();
    forms::result(if governs { Ok(()) } else { Err(nobody()) })
}

fn set(exhibitor: &ExhibitorHandle, switch: &str, on: &str) -> Value {
    forms::result(match (switch.parse::<Switch>(), on.parse::<bool>()) {
        (Ok(switch), Ok(on)) => {
            exhibitor.input(Input::Switch(switch, on));
            Ok(())
        }
        _ => Err("Not found".to_owned()),
    })
}

/// A ZooKeeper that does not answer says nothing.
async fn four_letters(exhibitor: &ExhibitorHandle, asked: &str) -> Value {
    match word(asked) {
        Some(word) => words::ask(&exhibitor.0.zookeeper, word).await.unwrap_or_default().into(),
        None => "* unknown *".into(),
    }
}

async fn explore(exhibitor: &ExhibitorHandle, request: &Request, what: &str) -> Response {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let key = explorer::path_of(request.query("key").unwrap_or("/"));
    match what {
        "node" if reads => body(&node(exhibitor, &key).await),
        "node-data" if reads => body(&match exhibitor.0.tree.read(&key).await {
            Ok(Some((data, stat))) => explorer::node_data(&data, &stat),
            Ok(None) => explorer::not_found(),
            Err(error) => explorer::failed(&error.to_string()),
        }),
        "analyze" => analyze(exhibitor, request).await,
        "usage-listing" => usage(exhibitor, request).await,
        _ => Response::not_found(),
    }
}

async fn node(exhibitor: &ExhibitorHandle, key: &str) -> Value {
    match exhibitor.0.tree.children(key).await {
        Ok(names) => explorer::children(key, names),
        Err(error) => {
            tracing::debug!(%error, key, "no children can be shown");
            explorer::no_children()
        }
    }
}

/// What is asked for, in the query of a GET or in the body of a POST.
fn asked<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Response> {
    let read = match request.method {
        Method::GET => serde_json::from_str(request.query("request").unwrap_or_default()),
        Method::POST => serde_json::from_slice(&request.body),
        _ => return Err(Response::method_not_allowed(&["GET", "POST"], &request.method)),
    };
    read.map_err(|error| Response::bad_request(format!("The request is not understood: {error}.")))
}

async fn analyze(exhibitor: &ExhibitorHandle, request: &Request) -> Response {
    let paths: Vec<PathRequest> = match asked(request) {
        Ok(paths) => paths,
        Err(refusal) => return refusal,
    };
    match exhibitor.0.tree.analyze(&paths).await {
        Ok(found) => body(&found).with(header::CONTENT_DISPOSITION, "attachment; filename=analysis.txt"),
        Err(error) => Response::internal_error(error),
    }
}

async fn usage(exhibitor: &ExhibitorHandle, request: &Request) -> Response {
    let wanted: UsageRequest = match asked(request) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    match exhibitor.0.tree.usage(&wanted).await {
        Ok(nodes) => Response::bytes("text/plain", usage_text(&nodes))
            .with(header::CONTENT_DISPOSITION, "attachment; filename=listing_tab_delimited.txt"),
        Err(error) => Response::internal_error(error),
    }
}

/// PUT and DELETE of a node.
async fn mutate(exhibitor: &ExhibitorHandle, request: &Request, path: &[&str]) -> Response {
    let path = format!("/{}", path.join("/"));
    if !matches!(request.method, Method::PUT | Method::DELETE) {
        return Response::method_not_allowed(&["PUT", "DELETE"], &request.method);
    }
    note(exhibitor, request, &path);
    if !exhibitor.0.allow_writes {
        return Response::empty(StatusCode::FORBIDDEN);
    }
    let done = if request.method == Method::PUT {
        write(exhibitor, request, &path).await
    } else {
        exhibitor.0.tree.delete(&path).await.map(drop).map_err(|error| error.to_string())
    };
    body(&forms::result(done))
}

async fn write(exhibitor: &ExhibitorHandle, request: &Request, path: &str) -> Result<(), String> {
    let data = explorer::bytes(&String::from_utf8_lossy(&request.body)).map_err(|error| error.to_string())?;
    exhibitor.0.tree.write(path, data).await.map(drop).map_err(|error| error.to_string())
}

/// Who wants what and why, as the caller says; for the log.
fn note(exhibitor: &ExhibitorHandle, request: &Request, path: &str) {
    let said = |name: &str| {
        let value = request.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or("null").to_owned()
    };
    let [user, ticket, reason] = ["netflix-user-name", "netflix-ticket-number", "netflix-reason"].map(said);
    let what = if request.method == Method::PUT { "Create/update" } else { "Delete" };
    let line = format!(
        "{what} node request received. Path [{path}], Username [{user}], Ticket Number [{ticket}], Reason [{reason}]"
    );
    let now = exhibitor.0.clock.now();
    exhibitor.lock().supervisor.log.add(now, line);
}

fn config(exhibitor: &ExhibitorHandle, request: &Request, what: &str) -> Response {
    match (what, &request.method) {
        ("get-state", &Method::GET | &Method::HEAD) => system_state(exhibitor, request),
        ("set" | "set-rolling", &Method::POST) => body(&configure(exhibitor, request)),
        ("rollback-rolling" | "force-commit-rolling", &Method::GET) if is_foreign(request) => refused(),
        // No change is ever under way: each is done at once.
        ("rollback-rolling" | "force-commit-rolling", &Method::GET) => body(&forms::result(Ok(()))),
        _ => Response::not_found(),
    }
}

/// Whether it runs is what the last look gave, so that nobody waits for a ZooKeeper that hangs.
fn system_state(exhibitor: &ExhibitorHandle, request: &Request) -> Response {
    let (state, settings) = {
        let core = exhibitor.lock();
        let writes = exhibitor.0.allow_writes;
        let state = core.supervisor.judgement().state;
        let running = matches!(state, InstanceState::NotServing | InstanceState::Serving);
        (forms::system_state(&core.config, &core.supervisor, running, writes), core.config.tag())
    };
    let text = state.to_string();
    let tag = format!("\"{}-{settings}\"", tag(&text));
    let known = request.header(header::IF_NONE_MATCH).unwrap_or_default();
    if known.split(',').any(|known| known.trim() == tag || known.trim() == "*") {
        return Response::empty(StatusCode::NOT_MODIFIED).with(header::ETAG, tag);
    }
    Response::bytes(JSON, text).with(header::ETAG, tag)
}

/// With `If-Match`, the settings must be those that the caller has seen; whatever else has changed does not matter.
fn configure(exhibitor: &ExhibitorHandle, request: &Request) -> Value {
    let tag = request.header(header::IF_MATCH).map(|tag| tag.trim_matches('"'));
    let seen = tag.map(|tag| tag.rsplit('-').next().unwrap_or(tag));
    let mut core = exhibitor.lock();
    let set = core.config.set(&request.body, seen);
    let pause = core.config.check_every();
    drop(core);
    if set.is_ok() {
        exhibitor.input(Input::CheckEvery(pause));
    }
    forms::result(set.map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn paths_are_decoded_part_by_part() {
        assert_eq!(
            parts("/exhibitor/v1/explorer/znode/a%2Fb/c+d").unwrap(),
            ["explorer", "znode", "a/b", "c+d"]
        );
        assert_eq!(parts("/exhibitor/v1/").unwrap(), [""; 0]);
        assert_eq!(parts("/exhibitor/v1/%zz"), None);
    }
}
