//! The door of the scheduler API: methods, media types, bodies that are no calls, and paths.

use crate::conformance::{
    check::{Check, to_master as on},
    expect::{Expect, refused, status},
    http::{get, post, request},
};

const PATH: &str = "/api/v1/scheduler";
const SUBSCRIBE: &str = r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x"}}}"#;
const NOT_ACCEPTABLE: &str = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
const WRONG_TYPE: &str = "Expecting 'Content-Type' of application/json or application/x-protobuf";

pub fn checks() -> Vec<Check> {
    [methods(), content_types(), accepts(), bodies(), paths()].into_iter().flatten().collect()
}

fn only_post(method: &str) -> Expect {
    let text = format!("405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{method}'.");
    refused(405, &text).header("Allow", "POST")
}

fn methods() -> Vec<Check> {
    vec![
        on(
            "scheduler.http.get",
            "GET is refused, and the answer says what is allowed",
            "src/master/http.cpp, Master::Http::scheduler",
            get(PATH),
            only_post("GET"),
        ),
        on(
            "scheduler.http.put",
            "PUT is refused, also with the body of a good call",
            "golden 02-scheduler-errors-http/02-PUT",
            request("PUT", PATH).text(SUBSCRIBE),
            only_post("PUT"),
        ),
        on(
            "scheduler.http.delete",
            "DELETE is refused",
            "golden 02-scheduler-errors-http/03-DELETE",
            request("DELETE", PATH),
            only_post("DELETE"),
        ),
        on(
            "scheduler.http.options",
            "OPTIONS is refused: there is no CORS",
            "golden 02-scheduler-errors-http/04-OPTIONS",
            request("OPTIONS", PATH),
            only_post("OPTIONS").no_header("Access-Control-Allow-Origin"),
        ),
    ]
}

fn content_types() -> Vec<Check> {
    let typed = |name, about: &str, source, kind: &str| {
        let request = post(PATH).text(SUBSCRIBE).header("Content-Type", kind);
        on(name, about, source, request, refused(415, WRONG_TYPE))
    };
    vec![
        on(
            "scheduler.http.no-content-type",
            "a call must say what its body is",
            "golden 02-scheduler-errors-http/06-no-content-type",
            post(PATH).text(SUBSCRIBE).without("Content-Type"),
            refused(400, "Expecting 'Content-Type' to be present"),
        ),
        typed(
            "scheduler.http.content-type-text",
            "a text is no call",
            "golden 02-scheduler-errors-http/07-content-type-text",
            "text/plain",
        ),
        typed(
            "scheduler.http.content-type-form",
            "a form is no call",
            "golden 02-scheduler-errors-http/08-content-type-form",
            "application/x-www-form-urlencoded",
        ),
        typed(
            "scheduler.http.content-type-charset",
            "the media type may have no parameters, such as a charset",
            "golden 02-scheduler-errors-http/09-content-type-json-charset",
            "application/json; charset=utf-8",
        ),
        typed(
            "scheduler.http.content-type-case",
            "the media type must be in lower case",
            "golden 02-scheduler-errors-http/10-content-type-JSON-uppercase",
            "Application/JSON",
        ),
        typed(
            "scheduler.http.content-type-recordio",
            "calls are not streamed",
            "golden 02-scheduler-errors-http/11-content-type-recordio",
            "application/recordio",
        ),
    ]
}

fn accepts() -> Vec<Check> {
    let wanting = |name, about: &str, source, accept: &str| {
        let request = post(PATH).text(SUBSCRIBE).header("Accept", accept);
        on(name, about, source, request, refused(406, NOT_ACCEPTABLE))
    };
    vec![
        wanting(
            "scheduler.http.accept-html",
            "whoever wants web pages gets no events",
            "golden 02-scheduler-errors-http/31-SUBSCRIBE-accept-html",
            "text/html",
        ),
        wanting(
            "scheduler.http.accept-recordio",
            "the events' media type is that of a message, not that of the framing",
            "golden 02-scheduler-errors-http/37-SUBSCRIBE-accept-recordio",
            "application/recordio",
        ),
        on(
            "scheduler.http.accept-recordio-of-json",
            "Message-Accept changes nothing on the scheduler API",
            "golden 02-scheduler-errors-http/38-SUBSCRIBE-accept-recordio-message-accept",
            post(PATH)
                .text(SUBSCRIBE)
                .header("Accept", "application/recordio")
                .header("Message-Accept", "application/json"),
            refused(406, NOT_ACCEPTABLE),
        ),
    ]
}

fn bodies() -> Vec<Check> {
    let body = |name, about: &str, source, text: &str, said: &str| {
        on(name, about, source, post(PATH).text(text), refused(400, said))
    };
    let no_type = "Failed to validate scheduler::Call: Expecting 'type' to be present";
    vec![
        body(
            "scheduler.http.empty-body",
            "an empty body is no JSON",
            "golden 02-scheduler-errors-http/12-empty-body",
            "",
            "Failed to parse body into JSON: syntax error at line 1 near: ",
        ),
        body(
            "scheduler.http.half-json",
            "JSON that ends too soon is refused with the place",
            "golden 02-scheduler-errors-http/13-malformed-json",
            "{\"type\":",
            "Failed to parse body into JSON: syntax error at line 1 near: ",
        ),
        body(
            "scheduler.http.no-json",
            "what is no JSON is told",
            "golden 02-scheduler-errors-http/14-malformed-json-2",
            "hello",
            "Failed to parse body into JSON: syntax error at line 1 near: hello",
        ),
        body(
            "scheduler.http.json-array",
            "a call is an object, not a list",
            "golden 02-scheduler-errors-http/16-json-array",
            "[]",
            "Failed to convert JSON into Call protobuf: Expecting a JSON object",
        ),
        body(
            "scheduler.http.json-string",
            "a call is an object, not a text",
            "golden 02-scheduler-errors-http/17-json-string",
            "\"SUBSCRIBE\"",
            "Failed to convert JSON into Call protobuf: Expecting a JSON object",
        ),
        body(
            "scheduler.call.no-type",
            "a call must say which it is",
            "golden 02-scheduler-errors-http/20-empty-object",
            "{}",
            no_type,
        ),
        body(
            "scheduler.call.unknown-type",
            "a type that is not known counts as none",
            "golden 02-scheduler-errors-http/21-unknown-type",
            r#"{"type":"FOO"}"#,
            no_type,
        ),
        body(
            "scheduler.call.type-by-number",
            "a type is no number in JSON",
            "golden 02-scheduler-errors-http/22-type-number",
            r#"{"type":1}"#,
            "Failed to convert JSON into Call protobuf: Not expecting a JSON number for field 'type'",
        ),
        body(
            "scheduler.call.type-object",
            "a type is no object",
            "golden 02-scheduler-errors-http/23-type-wrong-json-type",
            r#"{"type":{}}"#,
            "Failed to convert JSON into Call protobuf: Not expecting a JSON object for field 'type'",
        ),
        on(
            "scheduler.http.malformed-protobuf",
            "bytes that are no message are refused",
            "golden 02-scheduler-errors-http/25-malformed-protobuf",
            post(PATH)
                .header("Content-Type", "application/x-protobuf")
                .header("Accept", "application/json")
                .body([0xff, 0xff, 0xff]),
            refused(400, "Failed to parse body into Call protobuf"),
        ),
        on(
            "scheduler.http.empty-protobuf",
            "no bytes are a message, without a type",
            "golden 02-scheduler-errors-http/26-empty-protobuf",
            post(PATH).header("Content-Type", "application/x-protobuf").header("Accept", "application/json"),
            refused(400, no_type),
        ),
    ]
}

fn paths() -> Vec<Check> {
    let suppress = r#"{"type":"SUPPRESS","framework_id":{"value":"$FRAMEWORK"}}"#;
    let told = |path: &str| post(path).text(suppress).header("Mesos-Stream-Id", "$STREAM");
    let not_found = || refused(404, "404 Not Found.");
    vec![
        on(
            "scheduler.path.trailing-slash",
            "a slash behind the path changes nothing",
            "golden 02-scheduler-errors-http/118-path_api_v1_scheduler_",
            told("/api/v1/scheduler/"),
            status(202).empty(),
        ),
        on(
            "scheduler.path.with-master",
            "the path with the name of the process before it is the same",
            "golden 02-scheduler-errors-http/124-path_master_api_v1_scheduler",
            told("/master/api/v1/scheduler"),
            status(202).empty(),
        ),
        on(
            "scheduler.path.executor-on-master",
            "the master takes a call for the executor API as one of the operator API",
            "golden 02-scheduler-errors-http/120-path_api_v1_executor",
            told("/api/v1/executor"),
            refused(400, "Failed to validate master::Call: Expecting 'type' to be present"),
        ),
        on(
            "scheduler.path.unknown-below-master",
            "a path that is not there is not found",
            "golden 02-scheduler-errors-http/112-path_master_foo",
            told("/master/foo"),
            not_found(),
        ),
        on(
            "scheduler.path.api",
            "there is nothing at /api",
            "golden 02-scheduler-errors-http/114-path_api",
            told("/api"),
            not_found(),
        ),
        on(
            "scheduler.path.version-2",
            "there is no second version of the API",
            "golden 02-scheduler-errors-http/123-path-get_api_v2_scheduler",
            get("/api/v2/scheduler"),
            not_found(),
        ),
    ]
}
