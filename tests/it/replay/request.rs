//! Recorded requests made live: ids, offers and addresses of the recording replaced by those that our master gave.

use serde_json::Value;

use super::http;

/// A request taken apart.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let (lines, start) = http::head(raw)?;
        let headers = lines[1..].iter().filter_map(|l| l.split_once(": "));
        let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        Some(Self { line: lines[0].clone(), headers, body: raw[start..].to_vec() })
    }

    pub fn post(path: &str, stream_id: Option<&str>, body: &Value) -> Self {
        let mut headers = vec![
            ("Host".to_owned(), String::new()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ];
        headers.extend(stream_id.map(|id| ("Mesos-Stream-Id".to_owned(), id.to_owned())));
        headers.push(("Content-Length".to_owned(), String::new()));
        Self { line: format!("POST {path} HTTP/1.1"), headers, body: body.to_string().into_bytes() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn set_header(&mut self, name: &str, value: &str) {
        for (_, old) in self.headers.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case(name)) {
            *old = value.to_owned();
        }
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub fn is_protobuf(&self) -> bool {
        self.header("content-type") == Some("application/x-protobuf")
    }

    /// The bytes, with the length that the body has now.
    pub fn bytes(mut self, port: u16) -> Vec<u8> {
        self.set_header("Host", &format!("127.0.0.1:{port}"));
        let length = self.body.len().to_string();
        self.set_header("Content-Length", &length);
        let mut out = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        out.push_str("\r\n");
        let mut bytes: Vec<u8> = out.chars().map(|c| c as u8).collect();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Replaces text everywhere in a JSON value.
pub fn replace(value: &mut Value, pairs: &[(String, String)]) {
    match value {
        Value::String(text) => *text = replaced(text, pairs),
        Value::Array(items) => items.iter_mut().for_each(|v| replace(v, pairs)),
        Value::Object(fields) => fields.values_mut().for_each(|v| replace(v, pairs)),
        _ => {}
    }
}

pub fn replaced(text: &str, pairs: &[(String, String)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
