//! Mesos' JSON form against recordings, and both ways for generated messages.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::{prelude::*, test_runner::TestCaseError};
use prost::Message as _;

use super::*;
use crate::mesos::{
    schema as shape,
    v1::{
        Attribute, ContainerId, FrameworkInfo, Labels, MasterInfo, Resource, TaskInfo, agent, executor,
        master,
        scheduler::{Call, Event},
    },
};

fn call(text: &str) -> Result<Call, String> {
    from_json::<Call>(text).map_err(|error| match error {
        JsonError::Syntax(text) => format!("Failed to parse body into JSON: {text}"),
        JsonError::Convert(text) => format!("Failed to convert JSON into Call protobuf: {text}"),
    })
}

/// The body of a recorded message.
fn body(raw: &[u8]) -> &[u8] {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").map_or(raw.len(), |end| end + 4);
    &raw[end..]
}

/// The recordings below a directory whose names end as given.
fn recorded(ending: &str) -> Vec<(String, Vec<u8>)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut directories = vec![golden];
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push((path.to_string_lossy().into_owned(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no recordings end with {ending}");
    found
}

#[test]
fn refuses_calls_with_the_recorded_texts() {
    let mut refused = 0;
    for (name, request) in recorded(".req.raw").into_iter().filter(|(name, _)| name.contains("/02-")) {
        let response = fs::read(name.replace(".req.raw", ".resp.raw")).unwrap();
        let text = String::from_utf8_lossy(body(&response)).into_owned();
        let is_json = String::from_utf8_lossy(&request).contains("Content-Type: application/json\r\n");
        if is_json && (text.starts_with("Failed to parse body") || text.starts_with("Failed to convert JSON"))
        {
            let text = text.trim_end_matches('\n');
            assert_eq!(call(&String::from_utf8_lossy(body(&request))).unwrap_err(), text, "{name}");
            refused += 1;
        }
    }
    assert!(refused >= 10, "{refused}");
}

#[test]
fn reads_every_call_that_mesos_read() {
    let mut read = 0;
    for (name, request) in recorded(".req.raw") {
        let head = String::from_utf8_lossy(&request).into_owned();
        let response = fs::read(name.replace(".req.raw", ".resp.raw")).unwrap_or_default();
        if !response.starts_with(b"HTTP/1.1 20") || !head.starts_with("POST /api/v1/scheduler ") {
            continue;
        }
        let call: Call = match head.contains("Content-Type: application/x-protobuf") {
            true => decode(body(&request)).unwrap(),
            false => from_json(body(&request)).unwrap_or_else(|error| panic!("{name}: {error}")),
        };
        assert!(call.r#type.is_some(), "{name}");
        read += 1;
    }
    assert!(read > 100, "{read}");
}

#[test]
fn protobuf_and_json_answers_say_the_same() {
    for (name, raw) in
        recorded(".resp.raw").into_iter().filter(|(name, _)| name.contains("/08-protobuf/50-agent"))
    {
        let response: agent::Response = decode(body(&raw)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again: agent::Response = from_json(to_json_string(&response)).unwrap();
        assert_eq!(to_json_string(&again), to_json_string(&response), "{name}");
    }
}

#[test]
fn says_where_a_document_breaks() {
    for (text, error) in [
        ("", "syntax error at line 1 near: "),
        ("{\"a\":\n  oops}", "syntax error at line 2 near: oops}"),
        ("tru", "syntax error at line 1 near: "),
        ("{\"a\":1,}", "syntax error at line 1 near: }"),
        ("[1 2]", "syntax error at line 1 near: 2]"),
        ("{} x", "Parsed JSON included non-whitespace trailing characters:  x"),
        ("1e999", "Value out of range"),
        ("\"\\ud800\"", "syntax error at line 1 near: \""),
        ("-", "syntax error at line 1 near: "),
    ] {
        assert_eq!(parse(text).unwrap_err(), JsonError::Syntax(error.into()), "{text}");
    }
    let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(deep(200)).is_ok());
    assert!(parse(deep(201)).is_err());
    assert!(parse(deep(1_000_000)).is_err());
}

#[test]
fn reads_documents() {
    let text = r#" {"a":[1,-2.5,1e3,true,null,"\u00e9\ud83d\ude00\n\/"],"b":{},"c":18446744073709551616,"d":18446744073709551615} "#;
    let value = parse(text).unwrap();
    assert_eq!(value["a"], serde_json::json!([1, -2.5, 1000.0, true, null, "é😀\n/"]));
    assert_eq!(value["c"], serde_json::json!(18_446_744_073_709_551_616.0));
    assert_eq!(value["d"], serde_json::json!(u64::MAX));
    assert_eq!(value["b"], serde_json::json!({}));
}

#[test]
fn prints_numbers_and_strings_like_rapidjson() {
    let text = |value| to_text(&serde_json::json!(value));
    for (value, printed) in [
        (4.0, "4.0"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (1_795_357_040.165_884, "1795357040.165884"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e21"),
        (1.5e300, "1.5e300"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
    ] {
        assert_eq!(text(value), printed);
    }
    assert_eq!(to_text(&serde_json::json!("é\"\\\n\t\u{8}\u{c}\r\u{1f}/")), r#""é\"\\\n\t\b\f\r\u001F/""#);
}

#[test]
fn is_lenient_like_mesos() {
    let read = |members: &str| {
        let text = format!(
            r#"{{"type":"SUBSCRIBE","subscribe":{{"framework_info":{{"user":"root","name":"x",{members}}}}}}}"#
        );
        call(&text).map(|call| call.subscribe.unwrap().framework_info)
    };
    assert_eq!(read(r#""failover_timeout":"10""#).unwrap().failover_timeout, Some(10.0));
    assert_eq!(read(r#""failover_timeout":"Infinity""#).unwrap().failover_timeout, Some(f64::INFINITY));
    assert_eq!(read(r#""failover_timeout":null"#).unwrap().failover_timeout, None);
    assert_eq!(read(r#""checkpoint":"true""#).unwrap().checkpoint, Some(true));
    assert_eq!(read(r#""roles":"dev""#).unwrap().roles, ["dev"]);
    assert_eq!(read(r#""nonsense":{"a":1}"#).unwrap().failover_timeout, None);
    assert_eq!(read(r#""capabilities":[{"type":"NONSENSE"}]"#).unwrap().capabilities[0].r#type, None);
    let prefix = "Failed to convert JSON into Call protobuf: ";
    for (members, error) in [
        (
            r#""checkpoint":"yes""#,
            "Failed to parse 'yes' as a JSON boolean for field 'checkpoint': syntax error at line 1 near: yes",
        ),
        (
            r#""checkpoint":"1""#,
            "Failed to parse '1' as a JSON boolean for field 'checkpoint': Unexpected JSON type parsed",
        ),
        (r#""checkpoint":1"#, "Not expecting a JSON number for field 'checkpoint'"),
        (r#""principal":true"#, "Not expecting a JSON boolean for field 'principal'"),
        (r#""principal":["a"]"#, "Not expecting a JSON array for field 'principal'"),
        (r#""labels":"a""#, "Not expecting a JSON string for field 'labels'"),
        (
            r#""labels":{"labels":[{}, {"key":"a"}, {"value":"b"}]}"#,
            "Missing required fields: subscribe.framework_info.labels.labels[0].key, subscribe.framework_info.labels.labels[2].key",
        ),
    ] {
        assert_eq!(read(members).unwrap_err(), format!("{prefix}{error}"));
    }
    let resource = from_json::<Resource>(r#"{"name":"cpus","type":"NONSENSE"}"#).unwrap_err();
    assert_eq!(resource.to_string(), "Failed to find enum for 'NONSENSE'");
}

#[test]
fn refuses_what_is_small_on_the_wire_and_large_in_memory() {
    let labels = |count| [0x0a, 3, 0x0a, 1, b'k'].repeat(count);
    assert_eq!(decode::<Labels>(labels(499_999)).unwrap().labels.len(), 499_999);
    assert_eq!(decode::<Labels>(labels(500_000)), Err(DecodeError::TooMany));
    let nested = |depth| {
        let inner = ContainerId { value: "c".into(), parent: None };
        let outer = |inner, _| ContainerId { value: "c".into(), parent: Some(Box::new(inner)) };
        decode::<ContainerId>((1..depth).fold(inner, outer).encode_to_vec())
    };
    assert!(nested(100).is_ok());
    assert_eq!(nested(101), Err(DecodeError::Malformed));
}

#[test]
fn names_a_thousand_missing_fields_at_most() {
    let error = from_json::<Labels>(format!(r#"{{"labels":[{}{{}}]}}"#, "{},".repeat(5000))).unwrap_err();
    assert_eq!(error.to_string().matches("].key").count(), 1000);
}

#[test]
fn reads_bytes_like_stout() {
    let read = |uuid: &str| {
        let text = format!(
            r#"{{"acknowledge":{{"agent_id":{{"value":"a"}},"task_id":{{"value":"t"}},"uuid":"{uuid}"}}}}"#
        );
        call(&text).map(|call| call.acknowledge.unwrap().uuid.to_vec())
    };
    for (text, bytes) in
        [("YWJj", "abc"), ("YW Jj", "abc"), ("YWI=", "ab"), ("YWI", "ab"), ("YWJjZ", "abc"), ("", "")]
    {
        assert_eq!(read(text).unwrap(), bytes.as_bytes(), "{text}");
    }
    assert!(
        read("YW-j")
            .unwrap_err()
            .ends_with("Failed to base64 decode bytes field 'uuid': Invalid character '-'")
    );
}

#[test]
fn writes_declared_defaults_but_not_deprecated_ones() {
    let info = FrameworkInfo { user: "root".into(), name: "x".into(), ..FrameworkInfo::default() };
    assert_eq!(
        to_json_string(&info),
        r#"{"user":"root","name":"x","failover_timeout":0.0,"checkpoint":false}"#
    );
}

#[test]
fn a_number_without_a_name_is_not_set() {
    let known = MasterInfo { id: "m".into(), ip: 1, port: 5050, ..MasterInfo::default() };
    let mut foreign = known.clone();
    foreign.capabilities = vec![crate::mesos::v1::master_info::Capability { r#type: Some(77) }];
    assert!(to_json_string(&foreign).ends_with(r#""capabilities":[{}]}"#));
    let decoded: MasterInfo = decode(foreign.encode_to_vec()).unwrap();
    assert_eq!(decoded.capabilities[0].r#type, None);
    let foreign = Attribute { r#type: 77, name: "a".into(), ..Attribute::default() };
    assert_eq!(decode::<Attribute>(foreign.encode_to_vec()), Err(DecodeError::Missing(vec!["type".into()])));
}

#[test]
fn enforces_required_fields_of_protobuf() {
    let missing = |bytes: &[u8]| decode::<Call>(bytes).unwrap_err();
    assert_eq!(missing(&[0x1a, 0]), DecodeError::Missing(vec!["subscribe.framework_info".into()]));
    assert_eq!(missing(&[0x1a]), DecodeError::Malformed);
    assert_eq!(missing(&[0xff, 0xff, 0xff]), DecodeError::Malformed);
    assert_eq!(decode::<Call>([]), Ok(Call::default()));
}

#[test]
fn maps_are_objects() {
    let text = r#"{"name":"t","task_id":{"value":"1"},"agent_id":{"value":"a"},"limits":{"cpus":{"value":2.0},"mem":{"value":64.0}}}"#;
    let task: TaskInfo = from_json(text).unwrap();
    assert_eq!(task.limits["mem"].value, 64.0);
    assert_eq!(to_json_string(&task), text);
}

/// The recorded text with the last digit of doubles as we print it: of two digits that mean the same double Mesos'
/// library does not always take the nearer one.
fn normal(text: &str) -> String {
    to_text(&parse(text).unwrap())
}

/// What Mesos writes beyond the message: lists that are there even when empty, and a field of an older message.
/// And where it shows a map, whose order is that of its hash table.
fn beyond_the_message(name: &str) -> bool {
    ["GET_QUOTA-after", "GET_STATE", "GET_AGENTS", "GET_TASKS", "GET_EXECUTORS", "GET_FRAMEWORKS"]
        .iter()
        .any(|part| name.contains(part))
}

#[test]
fn recorded_answers_come_back_the_same() {
    let mut answers = 0;
    for (name, raw) in recorded(".resp.raw").into_iter().filter(|(name, _)| !beyond_the_message(name)) {
        let text = String::from_utf8_lossy(body(&raw)).into_owned();
        if !text.starts_with("{\"type\":") || text.contains('\n') {
            continue;
        }
        let by_agent = ["/06-", "/50-agent", "/15-task-groups/"].iter().any(|part| name.contains(part));
        let again = match by_agent {
            true => from_json::<agent::Response>(&text).map(|response| to_json_string(&response)),
            false => from_json::<master::Response>(&text).map(|response| to_json_string(&response)),
        };
        assert_eq!(again.unwrap(), normal(&text), "{name}");
        answers += 1;
    }
    assert!(answers > 20, "{answers}");
}

#[test]
fn recorded_records_come_back_the_same() {
    let mut records = 0;
    for (name, raw) in recorded(".resp.raw") {
        for line in String::from_utf8_lossy(body(&raw)).lines() {
            let is_operator = name.contains("/90-SUBSCRIBE");
            if !line.starts_with("{\"type\":") || !name.contains("tream") || line.contains("get_state") {
                continue;
            }
            let again = if is_operator {
                from_json::<master::Event>(line).map(|event| to_json_string(&event))
            } else if name.contains("/10-executor-api/01-") {
                from_json::<executor::Event>(line).map(|event| to_json_string(&event))
            } else {
                from_json::<Event>(line).map(|event| to_json_string(&event))
            };
            assert_eq!(again.unwrap(), normal(line), "{name}");
            records += 1;
        }
    }
    assert!(records > 50, "{records}");
}

/// Any document of a message, down to a depth: a small language for proptest to shrink in.
fn any_document(message: &'static shape::Message, depth: u32) -> BoxedStrategy<Value> {
    let fields: Vec<_> = message.fields.iter().map(|field| any_member(field, depth)).collect();
    fields.prop_map(|members| Value::Object(members.into_iter().flatten().collect())).boxed()
}

fn any_member(field: &'static shape::Field, depth: u32) -> BoxedStrategy<Option<(String, Value)>> {
    let required = field.shape == shape::Shape::Required;
    if depth == 0 && !required && matches!(field.kind, shape::Kind::Message(_)) {
        return Just(None).boxed();
    }
    let member = any_values(field, depth).prop_map(|value| (field.name.clone(), value));
    if required { member.prop_map(Some).boxed() } else { prop::option::weighted(0.2, member).boxed() }
}

fn any_values(field: &'static shape::Field, depth: u32) -> BoxedStrategy<Value> {
    let below = depth.saturating_sub(1);
    match (field.shape, field.kind) {
        (shape::Shape::Map, shape::Kind::Message(place)) => {
            let value = any_values(&schema().message_at(place).fields[1], below);
            prop::collection::btree_map("[a-z]{0,4}", value, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
                .boxed()
        }
        (shape::Shape::Repeated, kind) => {
            prop::collection::vec(any_value(kind, below), 0..3).prop_map(Value::Array).boxed()
        }
        (_, kind) => any_value(kind, below).boxed(),
    }
}

fn any_value(kind: shape::Kind, depth: u32) -> BoxedStrategy<Value> {
    use shape::Kind as K;
    match kind {
        K::Double => prop::num::f64::NORMAL.prop_map(Value::from).boxed(),
        K::Float => prop::num::f32::NORMAL.prop_map(Value::from).boxed(),
        K::Int32 | K::Sint32 | K::Sfixed32 => any::<i32>().prop_map(Value::from).boxed(),
        K::Uint32 | K::Fixed32 => any::<u32>().prop_map(Value::from).boxed(),
        K::Int64 | K::Sint64 | K::Sfixed64 => any::<i64>().prop_map(Value::from).boxed(),
        K::Uint64 | K::Fixed64 => any::<u64>().prop_map(Value::from).boxed(),
        K::Bool => any::<bool>().prop_map(Value::from).boxed(),
        K::String => any::<String>().prop_map(Value::from).boxed(),
        K::Bytes => prop::collection::vec(any::<u8>(), 0..20)
            .prop_map(|bytes| Value::from(STANDARD.encode(bytes)))
            .boxed(),
        K::Message(place) => any_document(schema().message_at(place), depth),
        K::Enum(place) => prop::sample::select(schema().enum_names(place)).prop_map(Value::from).boxed(),
    }
}

fn survives<M: prost::Message + Name + Default + PartialEq + std::fmt::Debug>(
    document: &Value,
) -> Result<(), TestCaseError> {
    let message: M = from_value(document).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let text = to_json_string(&message);
    let again: M = from_json(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(to_json_string(&again), &text[..]);
    prop_assert_eq!(decode::<M>(message.encode_to_vec()), Ok(message));
    prop_assert_eq!(to_text(&to_json(&again)), text);
    Ok(())
}

fn any_of(name: &str) -> BoxedStrategy<Value> {
    any_document(schema().message(name), 3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_survives_json_and_protobuf(document in any_of("mesos.v1.scheduler.Call")) {
        survives::<Call>(&document)?;
    }

    #[test]
    fn an_event_survives_json_and_protobuf(document in any_of("mesos.v1.scheduler.Event")) {
        survives::<Event>(&document)?;
    }

    #[test]
    fn a_task_survives_json_and_protobuf(document in any_of("mesos.v1.TaskInfo")) {
        survives::<TaskInfo>(&document)?;
    }

    #[test]
    fn any_text_is_a_document_or_an_error(text in "[\\[\\]{}\":,0-9eE+.a-u\\\\ \n-]{0,40}") {
        if let Ok(value) = parse(&text) {
            prop_assert_eq!(parse(to_text(&value)), Ok(value));
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(call) = decode::<Call>(&bytes) {
            prop_assert!(decode::<Call>(call.encode_to_vec()).is_ok());
        }
    }
}
