//! The normal form of JSON and text: what differs between two runs of one server becomes a token of its kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

use super::sums;

const TIMES: [&str; 15] = [
    "timestamp",
    "start_time",
    "elected_time",
    "registered_time",
    "reregistered_time",
    "unregistered_time",
    "unreachable_time",
    "build_time",
    "mtime",
    "launch_time",
    "finish_time",
    "estimated_drain_start_time_seconds",
    "estimated_drain_start_time",
    "first_registered_time",
    "last_reregistered_time",
];
const BUILD: [&str; 7] =
    ["version", "git_sha", "git_tag", "git_branch", "build_date", "build_time", "build_user"];

/// Lists whose order has a meaning; the others are sorted.
pub const ORDERED: [&str; 4] = ["arguments", "uris", "statuses", "variables"];

const PROCESS_IDS: [&str; 4] = ["pid", "pgid", "sid", "executor_pid"];
const MACHINE: [&str; 3] = ["mem_free_bytes", "mem_total_bytes", "cpus_total"];

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).unwrap());
    };
}
pattern!(ID, r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-(?:S|O|IO)?\d+\b)?");
pattern!(UUID_BASE64, r"^[A-Za-z0-9+/]{22}==$");
pattern!(AGENT_DIR, r"/(?:[\w.\-]+/)+((?:slaves|meta|provisioner)/(?:slaves/)?<)");
pattern!(
    LAUNCHER,
    r"(^|[^:\w])/(?:[\w.\-]+/)*(mesos-(?:executor|default-executor|docker-executor|containerizer|fetcher)\b)"
);
pattern!(LAUNCHER_FLAG, r"--launcher_dir=\S+");
pattern!(ADDRESS, r"\b(127\.0\.0\.1|localhost):(\d+)");
pattern!(DATE, r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?");
pattern!(HTTP_DATE, r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \w+");
pattern!(DURATION, r"\b\d+\.\d+(?:e-?\d+)?(?:ns|us|ms|secs|mins|hrs|days|weeks)\b");
pattern!(PROCESS, r"\b(pid|PID|at) \d+\b");
pattern!(RESOURCES, &format!("{RESOURCE}(?:; {RESOURCE})+"));
const RESOURCE: &str = r#"[a-z]\w*(?:\([^;"]*?\))*(?:\[[^\];]*\])?:(?:[\d.]+|\[[\d\-, ]*\])"#;

/// Where a recording was made: what its ports and directories stand for.
#[derive(Clone, Debug)]
pub struct Place {
    pub master: u16,
    pub agents: Vec<u16>,
    /// Of servers that tasks are, or ought to be.
    pub servers: Vec<u16>,
    pub work_dirs: Vec<String>,
}

impl Place {
    /// The machine of the recordings.
    pub fn golden() -> Self {
        Self {
            master: 15050,
            agents: vec![15051, 15052],
            servers: vec![31007, 31008, 31009],
            work_dirs: vec!["/labs".into(), "/srv/mesos1".into()],
        }
    }

    fn port(&self, port: &str) -> Option<String> {
        let port: u16 = port.parse().ok()?;
        if port == self.master {
            return Some("MASTER".into());
        }
        let at = |ports: &[u16]| ports.iter().position(|p| *p == port).map(|at| at + 1);
        let agent = at(&self.agents).map(|at| format!("AGENT{at}"));
        agent.or_else(|| at(&self.servers).map(|at| format!("SERVER{at}")))
    }
}

/// One exchange or stream on its way to the normal form, with every id seen and the places where it stands.
pub struct Norm<'a> {
    place: &'a Place,
    ids: BTreeMap<String, BTreeMap<String, usize>>,
    /// Names of flags and metrics, whose values are not compared.
    pub names: BTreeSet<String>,
}

impl<'a> Norm<'a> {
    pub fn new(place: &'a Place) -> Self {
        Self { place, ids: BTreeMap::new(), names: BTreeSet::new() }
    }

    /// Which ids stand together where: equal for two exchanges with the same references, whatever the ids are.
    /// In a stream the number of events is a matter of timing, so only the places count there, and offers not at all.
    pub fn references(&self, stream: bool) -> Vec<String> {
        let mut all: Vec<String> = self
            .ids
            .iter()
            .filter(|(id, _)| !stream || (ID.is_match(id) && kind(id) != "<OFFER>"))
            .map(|(id, places)| match stream {
                true => format!("{} {:?}", kind(id), places.keys().collect::<Vec<_>>()),
                false => format!("{} {places:?}", kind(id)),
            })
            .collect();
        all.sort();
        all
    }

    fn refer(&mut self, id: &str, path: &str) {
        *self.ids.entry(id.into()).or_default().entry(path.into()).or_default() += 1;
    }

    pub fn text(&mut self, text: &str, path: &str) -> String {
        let work_dirs = self.place.work_dirs.iter();
        let mut out = work_dirs.fold(text.to_owned(), |text, dir| text.replace(dir.as_str(), "/WORK"));
        out = ID
            .replace_all(&out, |m: &Captures| {
                self.refer(&m[0], path);
                kind(&m[0])
            })
            .into_owned();
        out = AGENT_DIR.replace_all(&out, "<DIR>/$1").into_owned();
        out = LAUNCHER.replace_all(&out, "$1<LAUNCHER>/$2").into_owned();
        out = LAUNCHER_FLAG.replace_all(&out, "--launcher_dir=<DIR>").into_owned();
        out = ADDRESS
            .replace_all(&out, |m: &Captures| {
                format!("{}:<{}>", &m[1], self.place.port(&m[2]).unwrap_or("PORT".into()))
            })
            .into_owned();
        out = DATE.replace_all(&out, "<DATE>").into_owned();
        out = HTTP_DATE.replace_all(&out, "<DATE>").into_owned();
        out = DURATION.replace_all(&out, "<DURATION>").into_owned();
        out = PROCESS.replace_all(&out, "$1 <PID>").into_owned();
        RESOURCES.replace_all(&out, |m: &Captures| sorted(&m[0])).into_owned()
    }

    pub fn value(&mut self, value: &Value, path: &str) -> Value {
        self.walk(value, path, "")
    }

    fn walk(&mut self, value: &Value, path: &str, key: &str) -> Value {
        match value {
            Value::Object(fields) => self.object(fields, path, key),
            Value::Array(items) => self.array(items, path, key),
            Value::Number(n) => self.number(n.as_f64().unwrap_or_default(), value, key),
            Value::String(text) => self.string(text, path, key),
            other => other.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, path: &str, key: &str) -> Value {
        if key == "flags" && !fields.is_empty() && fields.values().all(Value::is_string) {
            self.names.extend(fields.keys().cloned());
            return json!("<FLAGS>");
        }
        let file = fields.contains_key("path") && fields.contains_key("mode");
        let usage = key == "statistics" || key == "resource_statistics";
        let mut out = Map::new();
        // Whether the status of a nested container names them is a race in the real agent.
        let nested = key == "container_status" && fields.get("container_id").is_some_and(is_nested);
        let left_out = |name: &str| name == "executor_pid" || (nested && name == "network_infos");
        for (name, field) in fields.iter().filter(|(name, _)| !left_out(name)) {
            let name_text = self.text(name, &format!("{path}.{{key}}"));
            let below = format!("{path}.{name_text}");
            let normal = if file && ["size", "nlink", "inode"].contains(&name.as_str()) {
                json!("<SIZE>")
            } else if usage && field.is_number() && !name.contains("limit") {
                json!("<NUMBER>")
            } else if let Some(total) = sums::offers(name, field) {
                self.walk(&total, &below, name)
            } else if let Some((total, rest)) = sums::roles(name, field) {
                let total = self.walk(&total, &format!("{below}.sum"), "sum");
                out.insert("resources of all roles".into(), total);
                self.walk(&rest, &below, name)
            } else {
                self.walk(field, &below, name)
            };
            out.insert(name_text, normal);
        }
        Value::Object(out)
    }

    fn array(&mut self, items: &[Value], path: &str, key: &str) -> Value {
        let named = |item: &Value| {
            item.as_object().is_some_and(|o| !o.is_empty() && o.keys().all(|k| k == "name" || k == "value"))
        };
        if ["flags", "metrics"].contains(&key) && !items.is_empty() && items.iter().all(named) {
            for item in items {
                let name = self.text(item["name"].as_str().unwrap_or_default(), "name");
                self.names.insert(name);
            }
            return json!(format!("<{}>", key.to_uppercase()));
        }
        let below = format!("{path}[]");
        let mut out: Vec<Value> = items.iter().map(|item| self.walk(item, &below, key)).collect();
        if !ORDERED.contains(&key) {
            out.sort_by_cached_key(canonical);
        }
        Value::Array(out)
    }

    fn number(&self, number: f64, value: &Value, key: &str) -> Value {
        if (TIMES.contains(&key) && number != 0.0) || (1e17..1e20).contains(&number) {
            return json!("<TIME>");
        }
        if PROCESS_IDS.contains(&key) {
            return json!("<PID>");
        }
        if key == "port"
            && let Some(port) = self.place.port(&number.to_string())
        {
            return json!(format!("<{port}>"));
        }
        if key.starts_with("avg_load") || MACHINE.contains(&key) {
            return json!("<NUMBER>");
        }
        if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { value.clone() }
    }

    fn string(&mut self, text: &str, path: &str, key: &str) -> Value {
        if BUILD.contains(&key) {
            return json!("<BUILD>");
        }
        if path.contains("uuid") && UUID_BASE64.is_match(text) {
            self.refer(text, path);
            return json!("<UUID>");
        }
        json!(self.text(text, path))
    }
}

/// One string per value, whatever the order of its fields.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, String> = fields.iter().map(|(k, v)| (k, canonical(v))).collect();
            format!("{sorted:?}")
        }
        Value::Array(items) => format!("{:?}", items.iter().map(canonical).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}

fn is_nested(container_id: &Value) -> bool {
    container_id.get("parent").is_some()
}

fn kind(id: &str) -> String {
    let kind = match id.get(36..) {
        Some(rest) if rest.starts_with("-S") => "AGENT",
        Some(rest) if rest.starts_with("-O") || rest.starts_with("-IO") => "OFFER",
        Some(rest) if !rest.is_empty() => "FRAMEWORK",
        _ => "UUID",
    };
    format!("<{kind}>")
}

fn sorted(resources: &str) -> String {
    let mut parts: Vec<&str> = resources.split("; ").collect();
    parts.sort_unstable();
    parts.join("; ")
}
