//! Ours and Debian's registry, asked the same: they differ where it is written down here, and nowhere else.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use mesoslab::services::registry::Digest;
use serde_json::Value;
use tempfile::TempDir;

use super::ask::{Answer, IMAGE, OCTETS, Registry, Server, blob, descriptor, image};
use crate::support::skipped;

const CONFIG: &[u8] = b"{\"architecture\":\"amd64\",\"os\":\"linux\"}";
const LAYER: &[u8] = b"ten bytes.ten bytes.ten bytes.ten bytes.ten bytes.";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Requests to which the real one (2.8) answers otherwise, and why ours does not.
const DIFFERENT: [(&str, &str); 12] = [
    ("POST /v2/", "there any method will do"),
    ("GET /v2/A/tags/list", "there a wrong name is no path at all; NAME_INVALID is of the specification"),
    ("PUT /v2/a/b/manifests/.x", "as above, for TAG_INVALID"),
    ("GET /v2/a/b/manifests/.x", "there without JSON"),
    ("PATCH UPLOAD 30-49", "chunks out of order are refused since the OCI's specification"),
    ("GET UPLOAD after a wrong digest", "the upload is over"),
    ("POST /v2/a/b/manifests/1", "there without JSON"),
    ("POST /v2/a/b/blobs/uploads/?digest=", "an upload in one request is of the OCI's specification"),
    ("GET /v2/_catalog?n=x", "there it counts as none"),
    ("GET /v2/c/tags/list", "a repository of blobs only has no tags, and there is not known"),
    ("DELETE /v2/a/b/manifests/1", "deleting a tag is of the OCI's specification"),
    ("GET /v2/a/b/manifests/1 after that", "as above"),
];

struct Real {
    registry: Registry,
    process: Child,
    _dir: TempDir,
}

impl Drop for Real {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            let _status = self.process.wait();
        }
    }
}

impl Real {
    async fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = dir.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: 127.0.0.1:{port}, relativeurls: true}}\n",
            dir.path().join("data").display()
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(process) = command.spawn() else {
            skipped("there is no Debian package `docker-registry`");
            return None;
        };
        let registry = Registry::at(&format!("http://127.0.0.1:{port}"));
        for _ in 0..600 {
            if registry.request("GET", "/v2/").send().await.is_ok() {
                return Some(Self { registry, process, _dir: dir });
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no registry at port {port} after 30 s");
    }
}

/// One request; `UPLOAD` stands for where the last upload goes on.
struct Step {
    /// What it is called among those that differ.
    name: String,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn step(method: &'static str, path: impl Into<String>) -> Step {
    let path = path.into();
    Step { name: format!("{method} {path}"), method, path, headers: Vec::new(), body: Vec::new() }
}

impl Step {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn called(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }
}

fn finish(content: &[u8]) -> Step {
    step("PUT", format!("UPLOAD?digest={}", Digest::of(content)))
}

fn begin() -> Step {
    step("POST", "/v2/a/b/blobs/uploads/")
}

fn put(tag: &str, kind: &'static str, manifest: impl ToString) -> Step {
    step("PUT", format!("/v2/a/b/manifests/{tag}")).with("content-type", kind).body(manifest.to_string())
}

fn pull(reference: &str) -> Step {
    step("GET", format!("/v2/a/b/manifests/{reference}")).with("accept", format!("{IMAGE}, {LIST}"))
}

fn steps() -> Vec<Step> {
    let manifest = image(IMAGE, CONFIG, LAYER);
    let digest = Digest::of(manifest.to_string().as_bytes()).to_string();
    [nothing_is_there(), uploads(), reading(), manifests(&manifest, &digest), removing(&digest)]
        .into_iter()
        .flatten()
        .collect()
}

fn nothing_is_there() -> Vec<Step> {
    vec![
        step("GET", "/v2/"),
        step("HEAD", "/v2/"),
        step("POST", "/v2/"),
        step("GET", "/v2/_catalog"),
        step("GET", "/v2/a/b/tags/list"),
        step("GET", "/v2/A/tags/list"),
        pull("1"),
        pull(".x").called("GET /v2/a/b/manifests/.x"),
        put(".x", IMAGE, "{}").called("PUT /v2/a/b/manifests/.x"),
        step("GET", blob("a/b", LAYER)),
        step("HEAD", blob("a/b", LAYER)),
        step("GET", "/v2/a/b/blobs/sha256:12"),
    ]
}

fn uploads() -> Vec<Step> {
    let chunk = |range: &str, part: &[u8]| {
        let step = step("PATCH", "UPLOAD").called(&format!("PATCH UPLOAD {range}"));
        step.with(OCTETS.0, OCTETS.1).with("content-range", range).body(part)
    };
    vec![
        begin(),
        step("GET", "UPLOAD"),
        step("PATCH", "UPLOAD").with(OCTETS.0, OCTETS.1).body(&LAYER[..20]),
        step("GET", "UPLOAD"),
        step("PUT", "UPLOAD"),
        step("PUT", "UPLOAD?digest=sha256:1"),
        step("DELETE", "UPLOAD"),
        step("GET", "UPLOAD"),
        begin(),
        chunk("30-49", &LAYER[30..]),
        begin(),
        step("PATCH", "UPLOAD").body(LAYER),
        finish(CONFIG),
        step("GET", "UPLOAD").called("GET UPLOAD after a wrong digest"),
        begin(),
        chunk("0-49", LAYER),
        finish(LAYER),
        step("GET", "UPLOAD"),
        finish(LAYER),
        step("POST", format!("/v2/a/b/blobs/uploads/?digest={}", Digest::of(CONFIG)))
            .called("POST /v2/a/b/blobs/uploads/?digest=")
            .with(OCTETS.0, OCTETS.1)
            .body(CONFIG),
        begin(),
        finish(CONFIG).body(CONFIG),
    ]
}

fn reading() -> Vec<Step> {
    let part = |range: &str| step("GET", blob("a/b", LAYER)).with("range", range);
    vec![
        step("HEAD", blob("a/b", LAYER)),
        step("GET", blob("a/b", LAYER)),
        part("bytes=0-9"),
        part("bytes=41-"),
        part("bytes=-3"),
        part("bytes=500-"),
        step("GET", blob("a/b", LAYER)).with("if-none-match", format!("\"{}\"", Digest::of(LAYER))),
    ]
}

fn manifests(manifest: &Value, digest: &str) -> Vec<Step> {
    let list = |of: &str| {
        let entry = descriptor(IMAGE, of.as_bytes());
        let mut list = serde_json::json!({"schemaVersion": 2, "mediaType": LIST, "manifests": [entry]});
        list["manifests"][0]["platform"] = serde_json::json!({"architecture": "amd64", "os": "linux"});
        list
    };
    vec![
        put("1", IMAGE, image(IMAGE, CONFIG, b"not there")),
        put("1", IMAGE, "{"),
        put("1", "text/plain", manifest),
        put(&Digest::of(b"x").to_string(), IMAGE, manifest),
        put("1", IMAGE, manifest),
        put("1", IMAGE, manifest),
        put("2", IMAGE, manifest),
        put(digest, IMAGE, manifest),
        pull("1"),
        pull(digest),
        step("HEAD", "/v2/a/b/manifests/1").with("accept", IMAGE),
        step("POST", "/v2/a/b/manifests/1"),
        put("all", LIST, list("not there")),
        put("all", LIST, list(&manifest.to_string())),
        pull("all"),
        step("GET", "/v2/a/b/tags/list"),
        step("GET", "/v2/_catalog?n=x"),
        step("POST", format!("/v2/c/blobs/uploads/?mount={}&from=a/b", Digest::of(LAYER))),
        step("GET", blob("c", LAYER)),
        step("POST", format!("/v2/c/blobs/uploads/?mount={}&from=a/b", Digest::of(b"none"))),
        step("DELETE", "UPLOAD"),
        step("GET", "/v2/_catalog?n=1"),
        step("GET", "/v2/_catalog?n=1&last=a/b"),
        step("GET", "/v2/c/tags/list"),
    ]
}

fn removing(digest: &str) -> Vec<Step> {
    vec![
        step("DELETE", "/v2/a/b/manifests/1"),
        pull("1").called("GET /v2/a/b/manifests/1 after that"),
        step("DELETE", format!("/v2/a/b/manifests/{digest}")),
        step("DELETE", format!("/v2/a/b/manifests/{digest}")),
        pull("2"),
        step("GET", "/v2/a/b/tags/list"),
        step("DELETE", blob("a/b", LAYER)),
        step("DELETE", blob("a/b", LAYER)),
        step("GET", blob("a/b", LAYER)),
        step("GET", blob("c", LAYER)),
    ]
}

/// What of an answer has to be the same.
fn essence(answer: &Answer) -> Vec<(&'static str, String)> {
    let good = answer.status < 300;
    let mut essence = vec![
        ("status", answer.status.to_string()),
        ("code", answer.code()),
        ("type", answer.header("content-type").split(';').next().unwrap_or_default().to_owned()),
        ("location", place(answer.header("location"))),
    ];
    for name in ["docker-distribution-api-version", "range", "content-range", "link"] {
        essence.push((name, answer.header(name).to_owned()));
    }
    if good && !answer.body.is_empty() {
        essence
            .extend([("digest", answer.header("docker-content-digest").to_owned()), ("body", body(answer))]);
    }
    essence
}

/// Tags come in no order from there.
fn body(answer: &Answer) -> String {
    let mut json = answer.json();
    if let Some(tags) = json["tags"].as_array_mut() {
        tags.sort_by_key(ToString::to_string);
    }
    if json.is_null() { String::from_utf8_lossy(&answer.body).into_owned() } else { json.to_string() }
}

/// Without the number of an upload.
fn place(location: &str) -> String {
    match location.split_once("/uploads/") {
        Some((before, _)) => format!("{before}/uploads/ID"),
        None => location.to_owned(),
    }
}

async fn ask(registry: &Registry, step: &Step, upload: &mut String) -> Answer {
    let joint = if upload.contains('?') { "&" } else { "?" };
    let path = step.path.replace("UPLOAD?", &format!("{upload}{joint}")).replace("UPLOAD", upload);
    let headers: Vec<(&str, &str)> =
        step.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = registry.ask(step.method, &path, &headers, step.body.clone()).await;
    if answer.header("location").contains("/uploads/") {
        answer.header("location").clone_into(upload);
    }
    answer
}

#[tokio::test]
async fn both_answer_alike() {
    let Some(real) = Real::start().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let ours = Server::start(dir.path()).await;
    let (mut at_ours, mut at_real) = (String::new(), String::new());
    let mut differences = Vec::new();
    for step in steps() {
        let our = essence(&ask(&ours.registry, &step, &mut at_ours).await);
        let real = essence(&ask(&real.registry, &step, &mut at_real).await);
        let known = DIFFERENT.iter().any(|(name, _)| *name == step.name);
        if (our != real) != known {
            differences.push(format!("{}\n  ours {our:?}\n  real {real:?}", step.name));
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}
