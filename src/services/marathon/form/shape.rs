//! The form of bodies: which members an object may have and of which kind each is, with the words that Marathon's JSON
//! library has for what is wrong. Members that nobody knows are passed over, and null is as good as absent.

use serde_json::{Map, Value};

use super::super::problem::{Detail, Problem};

/// What kind of value is wanted.
#[derive(Clone, Copy)]
pub enum Kind {
    Text,
    /// Not empty.
    FullText,
    Flag,
    /// A whole number of at least so much.
    Count(i64),
    /// A number between these.
    Number(f64, f64),
    Port,
    /// One of these words.
    Word(&'static [&'static str]),
    List(&'static Kind),
    /// Members of any name.
    Map(&'static Kind),
    Object(&'static [Member]),
    Moment,
    Any,
}

/// A member's name, its kind, and whether it must be there.
pub type Member = (&'static str, Kind, bool);

const MOST: f64 = f64::MAX;

const TEXTS: Kind = Kind::List(&Kind::Text);
const LABELS: Kind = Kind::Map(&Kind::Text);

const PROTOCOL: Kind = Kind::Word(&["tcp", "udp", "udp,tcp"]);

const MAPPING: Kind = Kind::Object(&[
    ("containerPort", Kind::Port, false),
    ("hostPort", Kind::Port, false),
    ("labels", LABELS, false),
    ("name", Kind::Text, false),
    ("protocol", PROTOCOL, false),
    ("servicePort", Kind::Port, false),
    ("networkNames", TEXTS, false),
]);

const DOCKER: Kind = Kind::Object(&[
    ("forcePullImage", Kind::Flag, false),
    ("image", Kind::FullText, true),
    ("network", Kind::Word(&["BRIDGE", "HOST", "NONE", "USER"]), false),
    (
        "parameters",
        Kind::List(&Kind::Object(&[("key", Kind::FullText, true), ("value", Kind::Text, true)])),
        false,
    ),
    ("portMappings", Kind::List(&MAPPING), false),
    ("privileged", Kind::Flag, false),
]);

const VOLUME: Kind = Kind::Object(&[
    ("containerPath", Kind::Text, true),
    ("hostPath", Kind::Text, false),
    ("mode", Kind::Word(&["RO", "RW"]), false),
]);

const CONTAINER: Kind = Kind::Object(&[
    ("type", Kind::Word(&["MESOS", "DOCKER"]), false),
    ("docker", DOCKER, false),
    ("volumes", Kind::List(&VOLUME), false),
    ("portMappings", Kind::List(&MAPPING), false),
]);

const HEALTH_CHECK: Kind = Kind::Object(&[
    ("command", Kind::Object(&[("value", Kind::Text, true)]), false),
    ("gracePeriodSeconds", Kind::Count(0), false),
    ("ignoreHttp1xx", Kind::Flag, false),
    ("intervalSeconds", Kind::Count(0), false),
    ("maxConsecutiveFailures", Kind::Count(0), false),
    ("path", Kind::Text, false),
    ("port", Kind::Port, false),
    ("portIndex", Kind::Port, false),
    (
        "protocol",
        Kind::Word(&["HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_TCP", "MESOS_HTTP", "MESOS_HTTPS"]),
        false,
    ),
    ("ipProtocol", Kind::Word(&["IPv4", "IPv6"]), false),
    ("timeoutSeconds", Kind::Count(0), false),
    ("delaySeconds", Kind::Count(0), false),
]);

const ARTIFACT: Kind = Kind::Object(&[
    ("uri", Kind::Text, true),
    ("extract", Kind::Flag, false),
    ("executable", Kind::Flag, false),
    ("cache", Kind::Flag, false),
    ("destPath", Kind::FullText, false),
]);

const NETWORK: Kind = Kind::Object(&[
    ("name", Kind::FullText, false),
    ("mode", Kind::Word(&["container", "container/bridge", "host"]), false),
    ("labels", LABELS, false),
]);

const PORT_DEFINITION: Kind = Kind::Object(&[
    ("port", Kind::Port, false),
    ("labels", LABELS, false),
    ("name", Kind::Text, false),
    ("protocol", PROTOCOL, false),
]);

const IP_ADDRESS: Kind = Kind::Object(&[
    ("labels", LABELS, false),
    ("networkName", Kind::FullText, false),
    ("groups", TEXTS, false),
]);

const UPGRADE: Kind = Kind::Object(&[
    ("maximumOverCapacity", Kind::Number(0.0, 1.0), true),
    ("minimumHealthCapacity", Kind::Number(0.0, 1.0), true),
]);

/// The members of an app but for its id.
const APP: &[Member] = &[
    ("acceptedResourceRoles", TEXTS, false),
    ("args", TEXTS, false),
    ("backoffFactor", Kind::Number(1.0, MOST), false),
    ("backoffSeconds", Kind::Count(0), false),
    ("cmd", Kind::FullText, false),
    ("constraints", Kind::List(&TEXTS), false),
    ("container", CONTAINER, false),
    ("cpus", Kind::Number(0.001, MOST), false),
    ("dependencies", TEXTS, false),
    ("disk", Kind::Number(0.0, MOST), false),
    ("env", Kind::Map(&Kind::Any), false),
    ("executor", Kind::Text, false),
    ("fetch", Kind::List(&ARTIFACT), false),
    ("healthChecks", Kind::List(&HEALTH_CHECK), false),
    ("instances", Kind::Count(0), false),
    ("labels", LABELS, false),
    ("maxLaunchDelaySeconds", Kind::Count(0), false),
    ("mem", Kind::Number(0.0, MOST), false),
    ("gpus", Kind::Count(0), false),
    ("ipAddress", IP_ADDRESS, false),
    ("networks", Kind::List(&NETWORK), false),
    ("ports", Kind::List(&Kind::Port), false),
    ("portDefinitions", Kind::List(&PORT_DEFINITION), false),
    ("readinessChecks", Kind::List(&Kind::Any), false),
    ("requirePorts", Kind::Flag, false),
    ("secrets", Kind::Map(&Kind::Any), false),
    ("taskKillGracePeriodSeconds", Kind::Count(0), false),
    ("upgradeStrategy", UPGRADE, false),
    ("uris", TEXTS, false),
    ("user", Kind::Text, false),
    ("version", Kind::Moment, false),
    ("killSelection", Kind::Word(&["YOUNGEST_FIRST", "OLDEST_FIRST"]), false),
    ("unreachableStrategy", Kind::Any, false),
    ("tty", Kind::Flag, false),
    ("role", Kind::FullText, false),
];

/// The members of a group's update; those of its apps and groups are checked on their own.
const GROUP: &[Member] = &[
    ("id", Kind::Text, false),
    ("apps", Kind::List(&Kind::Any), false),
    ("groups", Kind::List(&Kind::Any), false),
    ("dependencies", TEXTS, false),
    ("scaleBy", Kind::Number(0.0, MOST), false),
    ("version", Kind::Moment, false),
    ("enforceRole", Kind::Flag, false),
];

/// Reads a body.
///
/// # Errors
/// When it is no JSON.
pub fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::NoJson(error.to_string()))
}

/// The members of an app or of an update of one, without those that are null.
///
/// # Errors
/// When a member is of another kind, or when the id is wanted and missing.
pub fn app(value: Value, wants_id: bool, path: &str) -> Result<Map<String, Value>, Problem> {
    let mut members = vec![("id", Kind::Text, wants_id)];
    members.extend(APP);
    object(value, &members, path)
}

/// The members of a group's update, without those that are null.
///
/// # Errors
/// As [`app`].
pub fn group(value: Value, path: &str) -> Result<Map<String, Value>, Problem> {
    object(value, GROUP, path)
}

fn object(mut value: Value, members: &[Member], path: &str) -> Result<Map<String, Value>, Problem> {
    drop_nulls(&mut value);
    let mut wrong = Vec::new();
    check_object(&value, members, path, &mut wrong);
    match value {
        Value::Object(object) if wrong.is_empty() => Ok(object),
        _ => Err(Problem::WrongForm(wrong)),
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn check_object(value: &Value, members: &[Member], path: &str, wrong: &mut Vec<Detail>) {
    let Value::Object(object) = value else {
        return wrong.push(Detail::new(path, "error.expected.jsobject"));
    };
    for (name, kind, required) in members {
        let path = format!("{path}/{name}");
        match object.get(*name) {
            Some(value) => check(value, *kind, &path, wrong),
            None if *required => wrong.push(Detail::new(path, "error.path.missing")),
            None => {}
        }
    }
}

fn check(value: &Value, kind: Kind, path: &str, wrong: &mut Vec<Detail>) {
    let error = match kind {
        Kind::Text | Kind::FullText | Kind::Moment | Kind::Word(..) => check_text(value, kind),
        Kind::Flag => (!value.is_boolean()).then(|| "error.expected.jsboolean".to_owned()),
        Kind::Count(_) | Kind::Port | Kind::Number(..) => check_number(value, kind).map(str::to_owned),
        Kind::List(kind) => match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    check(item, *kind, &format!("{path}({index})"), wrong);
                }
                None
            }
            _ => Some("error.expected.jsarray".to_owned()),
        },
        Kind::Map(kind) => match value {
            Value::Object(object) => {
                for (name, value) in object {
                    check(value, *kind, &format!("{path}/{name}"), wrong);
                }
                None
            }
            _ => Some("error.expected.jsobject".to_owned()),
        },
        Kind::Object(members) => return check_object(value, members, path, wrong),
        Kind::Any => None,
    };
    wrong.extend(error.map(|error| Detail::new(path, error)));
}

fn check_text(value: &Value, kind: Kind) -> Option<String> {
    let Some(text) = value.as_str() else { return Some("error.expected.jsstring".to_owned()) };
    match kind {
        Kind::FullText if text.is_empty() => Some("error.minLength".to_owned()),
        Kind::Moment => {
            let moment = super::super::model::Timestamp::parse(text);
            moment.is_none().then(|| "error.expected.date.isoformat".to_owned())
        }
        Kind::Word(words) if !words.iter().any(|word| word.eq_ignore_ascii_case(text)) => {
            Some("error.unknown.enum.literal".to_owned())
        }
        _ => None,
    }
}

fn check_number(value: &Value, kind: Kind) -> Option<&'static str> {
    let Some(number) = value.as_f64() else { return Some("error.expected.jsnumber") };
    let (least, most, whole) = match kind {
        #[expect(clippy::cast_precision_loss, reason = "small limits")]
        Kind::Count(least) => (least as f64, f64::from(i32::MAX), true),
        Kind::Port => (0.0, 65535.0, true),
        Kind::Number(least, most) => (least, most, false),
        _ => return None,
    };
    match number {
        number if whole && number.fract() != 0.0 => Some("error.expected.int"),
        number if number < least => Some("error.min"),
        number if number > most => Some("error.max"),
        _ => None,
    }
}
