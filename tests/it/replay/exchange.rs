//! A recorded exchange and its normal form: status, headers that mean something, body or events.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::{Map, Value, json};

use super::{
    http::{self, Answer},
    normal::{Norm, Place, canonical},
    proto,
};

const HEADERS: [&str; 8] = [
    "content-type",
    "allow",
    "www-authenticate",
    "location",
    "transfer-encoding",
    "content-encoding",
    "content-disposition",
    "message-content-type",
];

/// Request and answer, as bytes.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub request: Vec<u8>,
    pub response: Vec<u8>,
    /// The events that followed on the framework's stream (group 03).
    pub events: Option<Vec<Value>>,
}

/// What an exchange is compared by.
#[derive(Debug, Default)]
pub struct Normal {
    pub form: Value,
    pub references: Vec<String>,
    pub names: BTreeSet<String>,
}

pub fn golden_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Names of the recorded exchanges whose name begins with `prefix`, in the order of recording.
pub fn names(prefix: &str) -> Vec<String> {
    let index = fs::read_to_string(golden_dir().join("INDEX.tsv")).unwrap();
    let names = index.lines().filter_map(|l| l.split('\t').next());
    names.filter(|n| n.starts_with(prefix)).map(str::to_owned).collect()
}

/// The name of the recorded exchange that begins with `prefix`, if it was recorded.
pub fn has_golden(prefix: &str) -> Option<String> {
    names(prefix).into_iter().next()
}

pub fn golden(name: &str) -> Exchange {
    let file = |end: &str| fs::read(golden_dir().join(format!("{name}.{end}")));
    let events = file("events.jsonl").ok().map(|text| {
        let lines = text.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        lines.map(|l| serde_json::from_slice(l).unwrap()).collect()
    });
    Exchange {
        request: file("req.raw").unwrap_or_default(),
        response: file("resp.raw").unwrap_or_else(|e| panic!("golden exchange {name}: {e}")),
        events,
    }
}

impl Exchange {
    fn first_line(&self) -> String {
        let line = self.request.split(|b| *b == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }

    pub fn answers(&self) -> Vec<Answer> {
        http::answers(&self.response, self.first_line().starts_with("HEAD "))
    }

    /// The records of the stream as JSON, whatever they were on the wire.
    pub fn events(&self) -> Vec<Value> {
        let answers = self.answers();
        let Some(answer) = answers.first() else { return Vec::new() };
        let records = answer.records().unwrap_or_default();
        records.iter().map(|r| record(r, self.is_scheduler())).collect()
    }

    fn is_scheduler(&self) -> bool {
        self.first_line().contains("/scheduler ")
    }

    pub fn normal(&self, name: &str, place: &Place) -> Normal {
        let mut normal = Normal::default();
        let mut forms = Vec::new();
        for answer in self.answers() {
            let mut norm = Norm::new(place);
            let stream = answer.header("mesos-stream-id").is_some() || answer.records().is_some();
            forms.push(self.answer(name, &answer, stream, &mut norm));
            normal.references.extend(norm.references(stream));
            normal.names.extend(norm.names);
        }
        normal.form = match forms.len() {
            0 => json!({ "status": "(no response)" }),
            1 => forms.remove(0),
            _ => json!({ "responses": forms }),
        };
        if let Some(events) = &self.events {
            self.followed(events, &mut normal.form, place);
        }
        normal
    }

    fn answer(&self, name: &str, answer: &Answer, stream: bool, norm: &mut Norm) -> Value {
        let mut headers = Map::new();
        for header in HEADERS {
            if let Some(value) = answer.header(header) {
                headers.insert(header.into(), json!(norm.text(value, "header")));
            }
        }
        if answer.header("mesos-stream-id").is_some() {
            headers.insert("mesos-stream-id".into(), json!("present"));
        }
        let mut form = json!({ "status": answer.status, "headers": headers });
        if stream {
            form["events"] = events(&self.events(), norm);
            form["ended by the server"] = json!(answer.done);
        } else {
            form["body"] = self.body(name, answer, norm);
        }
        form
    }

    fn body(&self, name: &str, answer: &Answer, norm: &mut Norm) -> Value {
        let kind = answer.header("content-type").unwrap_or_default();
        if answer.body.is_empty() {
            return json!("");
        }
        if kind.contains("protobuf") {
            let body = match name.contains("/50-agent") {
                true => proto::agent_response(&answer.body),
                false => proto::master_response(&answer.body),
            };
            return norm.value(&body, "");
        }
        let text = String::from_utf8_lossy(&answer.body);
        let (callback, inner) = unwrap_callback(&text, kind);
        if (kind.contains("json") || callback.is_some())
            && let Ok(value) = serde_json::from_str::<Value>(inner)
        {
            let body = json_body(name, &value, norm);
            return callback.map_or(body.clone(), |jsonp| json!({ "jsonp": jsonp, "json": body }));
        }
        json!(norm.text(&text, "text"))
    }

    /// The updates that the request caused, first one per task.
    fn followed(&self, events: &[Value], form: &mut Value, place: &Place) {
        let mut norm = Norm::new(place);
        let request = String::from_utf8_lossy(&self.request);
        let mut updates = Map::new();
        let mut errors = Vec::new();
        for event in events {
            let status = &event["update"]["status"];
            let task = status["task_id"]["value"].as_str().unwrap_or_default();
            if event["type"] == "UPDATE" && !updates.contains_key(task) {
                let asked = request.replace(' ', "").contains(&format!("\"task_id\":{{\"value\":\"{task}\""));
                if asked && status["source"] == "SOURCE_MASTER" {
                    updates.insert(task.into(), norm.value(status, "UPDATE"));
                }
            } else if event["type"] == "ERROR" {
                errors.push(norm.value(event, "other"));
            }
        }
        form["updates that followed"] = Value::Object(updates);
        if !errors.is_empty() {
            form["events that followed"] = Value::Array(errors);
        }
    }
}

fn json_body(name: &str, value: &Value, norm: &mut Norm) -> Value {
    if name.contains("metrics_snapshot") && value.is_object() {
        let names: Vec<String> = value.as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
        let mut unreferenced = Norm::new(&NOWHERE);
        norm.names.extend(names.iter().map(|n| unreferenced.text(n, "name")));
        return json!("<METRICS>");
    }
    if let (true, Some(processes)) = (name.ends_with("GET-processes"), value.as_array()) {
        let fields = |process: &Value| process.as_object().map(|p| p.keys().cloned().collect::<Vec<_>>());
        return json!(processes.iter().map(fields).collect::<BTreeSet<_>>());
    }
    norm.value(value, "")
}

static NOWHERE: Place = Place { master: 0, agents: Vec::new(), servers: Vec::new(), work_dirs: Vec::new() };

fn unwrap_callback<'a>(text: &'a str, kind: &str) -> (Option<&'a str>, &'a str) {
    let inner = text.trim_end().trim_end_matches(';').strip_suffix(')');
    match inner.and_then(|t| t.split_once('(')) {
        Some((name, inner)) if kind.contains("javascript") => (Some(name), inner),
        _ => (None, text),
    }
}

fn record(record: &[u8], scheduler: bool) -> Value {
    if record.first() == Some(&b'{') {
        return serde_json::from_slice(record)
            .unwrap_or_else(|e| json!({ "type": "UNPARSED", "error": e.to_string() }));
    }
    match scheduler {
        true => proto::scheduler_event(record),
        false => proto::master_event(record),
    }
}

/// Events by kind and task; heartbeats and repeated updates left out.
fn events(events: &[Value], norm: &mut Norm) -> Value {
    let mut lists: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut offered: BTreeMap<String, Value> = BTreeMap::new();
    let mut fields = BTreeSet::new();
    let mut first_offers = None;
    let mut seen = BTreeSet::new();
    for event in events {
        let kind = event["type"].as_str().unwrap_or("?");
        let body = event.as_object().into_iter().flatten().find(|(k, v)| *k != "type" && v.is_object());
        let body = body.map_or(Value::Null, |(_, v)| v.clone());
        match kind {
            "HEARTBEAT" => {}
            "OFFERS" => {
                let offers = offers(&body, norm);
                for offer in &offers {
                    fields.extend(offer.as_object().into_iter().flatten().map(|(k, _)| k.clone()));
                    let resources = offer["resources"].as_array().into_iter().flatten().map(shape);
                    offered.extend(resources.map(|r| (canonical(&r), r)));
                }
                first_offers.get_or_insert(offers);
            }
            "RESCIND" => {
                let fields: Vec<&String> = event.as_object().into_iter().flatten().map(|(k, _)| k).collect();
                lists.insert("has RESCIND".into(), vec![json!(fields)]);
            }
            _ if is_repeated(kind, &body, &mut seen) => {}
            _ => {
                let mut event = event.clone();
                if kind == "TASK_UPDATED" {
                    event["task_updated"]["state"] = json!("<LATEST STATE>");
                }
                lists.entry(key(kind, &body)).or_default().push(norm.value(&event, kind));
            }
        }
    }
    let mut out: Map<String, Value> = lists.into_iter().map(|(k, v)| (k, Value::Array(v))).collect();
    if let Some(offers) = first_offers {
        out.insert("first offers".into(), Value::Array(offers));
        out.insert("resources offered".into(), offered.into_values().collect());
        out.insert("fields of offers".into(), json!(fields));
    }
    Value::Object(out)
}

fn offers(body: &Value, norm: &mut Norm) -> Vec<Value> {
    let offers = body["offers"].as_array().into_iter().flatten().map(|offer| {
        let mut offer = offer.clone();
        offer.as_object_mut().map(|o| o.remove("id"));
        norm.value(&offer, "OFFERS")
    });
    let mut offers: Vec<Value> = offers.collect();
    offers.sort_by_cached_key(canonical);
    offers
}

fn is_repeated(kind: &str, body: &Value, seen: &mut BTreeSet<String>) -> bool {
    let uuid = body["status"]["uuid"].as_str();
    uuid.is_some_and(|u| (kind == "UPDATE" || kind == "TASK_UPDATED") && !seen.insert(format!("{kind} {u}")))
}

fn key(kind: &str, body: &Value) -> String {
    let task =
        [&body["status"]["task_id"], &body["task"]["task_id"]].into_iter().find_map(|t| t["value"].as_str());
    task.map_or(kind.to_owned(), |task| format!("{kind} {task}"))
}

/// A resource without its quantity.
fn shape(resource: &Value) -> Value {
    let mut resource = resource.clone();
    for key in ["scalar", "ranges"] {
        if let Some(quantity) = resource.get_mut(key) {
            *quantity = json!("<QUANTITY>");
        }
    }
    resource
}
