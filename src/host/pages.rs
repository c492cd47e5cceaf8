//! The pages for browsers, compiled in: one of HTML and one of script each, on a sheet and a script that all share. They
//! ask nobody but their own listener, and what a cluster says never becomes markup.

use super::http::{HeaderName, Method, Request, Response, Router, header};

/// The HTML, the script and the path of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    html: &'static str,
    script: &'static str,
    path: &'static str,
}

/// The cluster: agents, frameworks, offers, tasks. Lives on `/api/v1` and `/flags` of a master.
pub const MASTER: Page = Page {
    html: include_str!("../../assets/pages/master.html"),
    script: include_str!("../../assets/pages/master.js"),
    path: "/pages/master.js",
};

/// What an agent runs, and the files of its sandboxes: a page of the master may not read them, as an agent is another
/// origin. Lives on `/state` and `/files` of an agent.
pub const AGENT: Page = Page {
    html: include_str!("../../assets/pages/agent.html"),
    script: include_str!("../../assets/pages/agent.js"),
    path: "/pages/agent.js",
};

/// The lights of ZooKeeper and its tree. Lives on `/exhibitor/v1`.
pub const EXHIBITOR: Page = Page {
    html: include_str!("../../assets/pages/exhibitor.html"),
    script: include_str!("../../assets/pages/exhibitor.js"),
    path: "/pages/exhibitor.js",
};

/// Apps, instances and deployments. Lives on `/v2` of a Marathon.
pub const MARATHON: Page = Page {
    html: include_str!("../../assets/pages/marathon.html"),
    script: include_str!("../../assets/pages/marathon.js"),
    path: "/pages/marathon.js",
};

const SHEET: &str = include_str!("../../assets/pages/pages.css");
const SHARED: &str = include_str!("../../assets/pages/pages.js");
const ICON: &str = include_str!("../../assets/pages/icon.svg");

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// No script, picture or request but of the listener's own, in nobody else's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// Adds what a page loads: `/pages/...`. The page itself is [`answer`], at a path of the caller's choice.
#[must_use]
pub fn parts(router: Router, page: Page) -> Router {
    let parts = [
        ("/pages/pages.css", "text/css; charset=utf-8", SHEET),
        ("/pages/pages.js", SCRIPT, SHARED),
        ("/pages/icon.svg", "image/svg+xml", ICON),
        (page.path, SCRIPT, page.script),
    ];
    parts.into_iter().fold(router, |router, (path, kind, text)| {
        router.route(path, move |request| {
            if request.path == path { asset(request, kind, text) } else { Response::not_found() }
        })
    })
}

/// The page, for GET and HEAD.
pub fn answer(page: Page, request: &Request) -> Response {
    asset(request, HTML, page.html)
}

/// Whether a browser asks, and not a program: those do not name HTML.
pub fn is_browser(request: &Request) -> bool {
    request.header(header::ACCEPT).is_some_and(|accept| accept.contains("text/html"))
}

fn asset(request: &Request, kind: &'static str, text: &'static str) -> Response {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Response::method_not_allowed(&["GET", "HEAD"], &request.method);
    }
    Response::bytes(kind, text)
        .with(header::CONTENT_SECURITY_POLICY, POLICY)
        .with(header::CACHE_CONTROL, "no-cache")
        .with(header::REFERRER_POLICY, "no-referrer")
        .with(NO_SNIFF, "nosniff")
}
