//! A registry of the real binary, and plain requests to one.

use std::{path::Path, process::Stdio};

use mesoslab::{runtime::Tasks, services::registry::Digest};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

pub const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");
pub const IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Where a registry is, whoever's it is.
#[derive(Clone)]
pub struct Registry {
    pub url: String,
    client: reqwest::Client,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of the first error.
    pub fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Registry {
    pub fn at(url: &str) -> Self {
        // Each request on a connection of its own: refused ones may close theirs.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { url: url.to_owned(), client }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let mut request = self.request(method, path).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // Debian's registry announces more than it sends with some errors.
        let body = response.bytes().await.unwrap_or_default();
        Answer { status, headers, body: body.to_vec() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("accept", &format!("{IMAGE}, {OCI_IMAGE}, {INDEX}"))], "").await
    }

    /// Begins an upload: where it goes on.
    pub async fn begin(&self, name: &str) -> String {
        let begun = self.ask("POST", &format!("/v2/{name}/blobs/uploads/"), &[], "").await;
        assert_eq!(begun.status, 202);
        begun.header("location").to_owned()
    }

    pub async fn push(&self, name: &str, content: &[u8]) -> Answer {
        let upload = self.begin(name).await;
        self.ask("PUT", &with_digest(&upload, content), &[OCTETS], content).await
    }

    pub async fn put_manifest(&self, name: &str, reference: &str, kind: &str, manifest: &Value) -> Answer {
        let path = format!("/v2/{name}/manifests/{reference}");
        self.ask("PUT", &path, &[("content-type", kind)], manifest.to_string()).await
    }
}

/// Where an upload is finished.
pub fn with_digest(upload: &str, content: &[u8]) -> String {
    let joint = if upload.contains('?') { '&' } else { '?' };
    format!("{upload}{joint}digest={}", Digest::of(content))
}

pub fn blob(name: &str, content: &[u8]) -> String {
    format!("/v2/{name}/blobs/{}", Digest::of(content))
}

pub fn descriptor(kind: &str, content: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(content).to_string(), "size": content.len()})
}

/// The manifest of an image of these blobs.
pub fn image(kind: &str, config: &[u8], layer: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": kind,
        "config": descriptor("application/vnd.docker.container.image.v1+json", config),
        "layers": [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)],
    })
}

/// Ours, as a process; it is killed when this is dropped.
pub struct Server {
    pub registry: Registry,
    pub child: Child,
}

pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesoslab"));
    command.args(["serve", "registry", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir);
    command
}

impl Server {
    pub async fn start(dir: &Path) -> Self {
        let mut child = command(dir).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, rest)) = line.split_once("http://") {
                let url = format!("http://{}", rest.split_whitespace().next().unwrap());
                // What it logs is read to its end, so that it never waits for us.
                let reading = async move { while let Ok(Some(_)) = lines.next_line().await {} };
                drop(Tasks::new().spawn_graceful(reading));
                return Self { registry: Registry::at(&url), child };
            }
        }
        panic!("it ended without listening");
    }

    /// Ends it as a broken machine would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// The most that it has held in memory, in bytes.
    #[cfg(target_os = "linux")]
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}
