//! HTTP itself, on a connection that is written by hand: how the master reads requests, and when it closes.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use crate::conformance::{
    check::{Check, Miss, Outcome},
    expect::{Expect, json as answered, refused, short, status},
    http::Connection,
    site::{Peer, Site},
};

/// How long a connection must stay open to count as kept.
const KEPT: Duration = Duration::from_millis(300);

/// Whether the connection is kept after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Kept,
    Closed,
}

/// Bytes in pieces, and the answer to them.
fn raw(
    name: &'static str,
    about: &str,
    source: &'static str,
    pieces: &'static [&'static [u8]],
    expect: Expect,
    after: Option<After>,
) -> Check {
    Check::new(name, about, source, move |site: Arc<Site>| {
        let expect = expect.clone();
        async move {
            let mut connection = site.raw(Peer::Master, pieces).await?;
            let answer = site.within(connection.answer(false)).await.and_then(|read| read);
            let answer = answer.map_err(|why| Miss::fail(expect.to_string(), why))?;
            expect.hold(&answer)?;
            match after {
                Some(After::Kept) => kept(&mut connection).await,
                Some(After::Closed) => closed(&site, &mut connection).await,
                None => Ok(()),
            }
        }
    })
}

async fn kept(connection: &mut Connection) -> Outcome {
    match tokio::time::timeout(KEPT, connection.closes()).await {
        Err(_) => Ok(()),
        Ok(_) => Err(Miss::fail("the connection is kept", "it was closed")),
    }
}

async fn closed(site: &Site, connection: &mut Connection) -> Outcome {
    let closes = site.within(connection.closes()).await;
    closes.map(drop).map_err(|late| Miss::fail("the connection is closed", late))
}

/// Bytes that are no HTTP: the connection is closed without an answer.
fn no_answer(name: &'static str, about: &str, source: &'static str, bytes: &'static [u8]) -> Check {
    Check::new(name, about, source, move |site: Arc<Site>| async move {
        let mut connection = site.raw(Peer::Master, &[bytes]).await?;
        match site.within(connection.answer(false)).await {
            Ok(Err(_)) => Ok(()),
            Ok(Ok(answer)) => {
                let seen = format!("{}, {}", answer.status, short(&answer.text()));
                Err(Miss::fail("the connection is closed without an answer", seen))
            }
            Err(late) => Err(Miss::fail("the connection is closed without an answer", late)),
        }
    })
}

pub fn checks() -> Vec<Check> {
    let version = || answered(json!({"version": "<any>"}));
    let healthy = || answered(json!({"type": "GET_HEALTH", "get_health": {"healthy": true}}));
    let mut checks = vec![
        raw(
            "http.keep-alive",
            "a connection is kept unless it is said otherwise",
            "golden 12-http-protocol/01-keep-alive-default",
            &[b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            version(),
            Some(After::Kept),
        ),
        raw(
            "http.close",
            "a connection is closed when that is asked for",
            "golden 12-http-protocol/02-connection-close",
            &[b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"],
            version(),
            Some(After::Closed),
        ),
        raw(
            "http.1-0-keep-alive",
            "HTTP/1.0 with keep-alive keeps the connection",
            "golden 12-http-protocol/04-http10-keep-alive",
            &[b"GET /version HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"],
            version(),
            Some(After::Kept),
        ),
        raw(
            "http.no-host",
            "a request needs no Host",
            "golden 12-http-protocol/06-no-host",
            &[b"GET /version HTTP/1.1\r\n\r\n"],
            version(),
            None,
        ),
        raw(
            "http.absolute-target",
            "the target may be a whole URL",
            "golden 12-http-protocol/10-absolute-uri",
            &[b"GET http://127.0.0.1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            version(),
            None,
        ),
        raw(
            "http.star",
            "a target that is no path is refused",
            "golden 12-http-protocol/11-star",
            &[b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            refused(400, "Request URL path must start with '/'"),
            None,
        ),
        raw(
            "http.bare-newlines",
            "lines may end without a carriage return",
            "golden 12-http-protocol/12-lf-only",
            &[b"GET /version HTTP/1.1\nHost: 127.0.0.1\n\n"],
            version(),
            None,
        ),
        raw(
            "http.chunked-request",
            "a request may come in chunks",
            "golden 12-http-protocol/13-chunked-request",
            &[
                b"POST /api/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                  Transfer-Encoding: chunked\r\n\r\n5\r\n{\"typ\r\n",
                b"e\r\ne\":\"GET_HEALTH\r\n2\r\n\"}\r\n0\r\n\r\n",
            ],
            healthy(),
            None,
        ),
        raw(
            "http.expect-continue",
            "whoever waits for 100 Continue gets the answer without it",
            "golden 12-http-protocol/14-expect-100",
            &[
                b"POST /api/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                  Expect: 100-continue\r\nContent-Length: 21\r\n\r\n",
                b"{\"type\":\"GET_HEALTH\"}",
            ],
            healthy(),
            None,
        ),
        raw(
            "http.pieces",
            "a request may come in pieces",
            "golden 12-http-protocol/16-body-in-pieces",
            &[
                b"POST /api/v1 HT",
                b"TP/1.1\r\nHost: 127.0.0.1\r\nContent-Ty",
                b"pe: application/json\r\nContent-Length: 21\r\n\r\n{\"type\":",
                b"\"GET_HEALTH\"}",
            ],
            healthy(),
            None,
        ),
        raw(
            "http.post-without-length",
            "a POST that says no length has no body",
            "golden 12-http-protocol/17-no-length-post",
            &[b"POST /api/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\r\n"],
            refused(400, "Failed to parse body into JSON: syntax error at line 1 near: "),
            None,
        ),
        raw(
            "http.percent-path",
            "a path may be written with percent codes",
            "golden 12-http-protocol/20-percent-path",
            &[b"GET /%76ersion HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            version(),
            None,
        ),
        raw(
            "http.dotdot",
            "a path does not climb",
            "golden 12-http-protocol/21-dotdot",
            &[b"GET /master/../version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            refused(404, "404 Not Found."),
            None,
        ),
        raw(
            "http.fragment",
            "a fragment is no part of the path",
            "golden 12-http-protocol/22-fragment",
            &[b"GET /version#frag HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            version(),
            None,
        ),
        raw(
            "http.double-slash",
            "two slashes are not one",
            "golden 12-http-protocol/30-double-slash",
            &[b"GET //version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            refused(404, "404 Not Found."),
            None,
        ),
        raw(
            "http.upgrade",
            "a wish for another protocol is passed over",
            "golden 12-http-protocol/25-upgrade",
            &[b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
            version().no_header("Upgrade"),
            None,
        ),
        raw(
            "http.get-with-body",
            "a GET may have a body, which is passed over",
            "golden 12-http-protocol/27-get-with-body",
            &[b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello"],
            version(),
            None,
        ),
        raw(
            "http.pipelined",
            "requests may follow each other before the answers; the first answer is that of the first",
            "3rdparty/libprocess/src/process.cpp, HttpProxy",
            &[b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            version(),
            None,
        ),
        no_answer(
            "http.unknown-method",
            "a method that HTTP does not know is no request",
            "golden 12-http-protocol/08-bad-method",
            b"FOO /version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ),
        no_answer(
            "http.empty-target",
            "a request without a target is none",
            "golden 12-http-protocol/23-empty-path",
            b"GET  HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ),
        no_answer(
            "http.bad-percent",
            "a percent code that is none ends the connection",
            "golden 12-http-protocol/24-bad-percent",
            b"GET /state?x=%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ),
        no_answer(
            "http.2-preface",
            "there is no HTTP/2",
            "golden 12-http-protocol/26-http2-preface",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ),
    ];
    checks.push(date());
    checks
}

fn date() -> Check {
    Check::new(
        "http.date",
        "every answer says when it was given, in GMT",
        "golden 12-http-protocol/01-keep-alive-default",
        async |site: Arc<Site>| {
            let answer = site.ask(Peer::Master, &crate::conformance::http::get("/version")).await?;
            status(200).hold(&answer)?;
            let date = answer.header("Date").unwrap_or_default().to_owned();
            let pattern = "~[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT";
            crate::conformance::expect::fitting(&json!(pattern), &json!(date))
        },
    )
}
