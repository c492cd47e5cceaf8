//! How the parts of a lab do that are asked in forms of their own: ZooKeeper by a four-letter word, Exhibitor, Marathon
//! and the registry by their REST APIs, and a master for whether it leads.

use std::{io, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    ClientError, Http,
    http::{accepted, base_url, sent, whole, within},
};

/// The longest answer to a four-letter word, in bytes.
const LONGEST_WORD: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(3);

/// What one part says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether it does what it is there for.
    pub ready: bool,
    /// One line: `standalone`, `leading`, `2 apps`.
    pub state: String,
    pub version: Option<String>,
}

/// Asks the `zookeeper`, `exhibitor`, `marathon` or `registry` at `url`; any other name is a master's.
///
/// # Errors
/// When it does not answer, or as something else.
pub async fn of(http: &Http, name: &str, url: &str) -> Result<Condition, ClientError> {
    match name {
        "zookeeper" => zookeeper(url).await,
        "exhibitor" => exhibitor(http, url).await,
        "marathon" => marathon(http, url).await,
        "registry" => registry(http, url).await,
        _ => master(http, url).await,
    }
}

/// Asks the first server of a `zk://host:port/path` URL, or of `host:port`.
///
/// # Errors
/// When it does not answer within seconds, or not as a ZooKeeper.
pub async fn zookeeper(url: &str) -> Result<Condition, ClientError> {
    let address = zookeeper_address(url);
    let failed =
        |error: io::Error| ClientError::Unreachable { url: url.to_owned(), reason: error.to_string() };
    let late = || failed(io::ErrorKind::TimedOut.into());
    let asked = tokio::time::timeout(PATIENCE, four_letters(address, "srvr")).await;
    let text = asked.map_err(|_| late())?.map_err(failed)?;
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let Some(mode) = line("Mode:") else {
        return Err(ClientError::Malformed(text.lines().next().unwrap_or("nothing").to_owned()));
    };
    let version = line("Zookeeper version:").and_then(|version| version.split(['-', ',']).next());
    Ok(Condition { ready: true, state: mode.to_owned(), version: version.map(str::to_owned) })
}

/// `host:port` of the first server.
fn zookeeper_address(url: &str) -> &str {
    let servers = url.trim_start_matches("zk://").split('/').next().unwrap_or_default();
    let first = servers.split(',').next().unwrap_or_default();
    first.rsplit('@').next().unwrap_or_default()
}

async fn four_letters(address: &str, word: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(word.as_bytes()).await?;
    let mut text = Vec::new();
    stream.take(LONGEST_WORD).read_to_end(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[derive(Deserialize)]
struct ExhibitorServer {
    code: i32,
    description: String,
}

/// What Exhibitor says of the ZooKeeper that it supervises: `GET /exhibitor/v1/cluster/status`.
///
/// # Errors
/// When it does not answer, or not as an Exhibitor.
pub async fn exhibitor(http: &Http, url: &str) -> Result<Condition, ClientError> {
    const SERVING: i32 = 3;
    let servers: Vec<ExhibitorServer> = json(http, url, "/exhibitor/v1/cluster/status").await?;
    let ready = !servers.is_empty() && servers.iter().all(|server| server.code == SERVING);
    let state = servers.first().map_or("no server", |server| server.description.as_str()).to_owned();
    Ok(Condition { ready, state: format!("zookeeper {state}"), version: None })
}

#[derive(Deserialize)]
struct MarathonInfo {
    version: String,
    elected: bool,
    #[serde(rename = "frameworkId")]
    framework_id: Option<String>,
}

#[derive(Deserialize)]
struct MarathonApps {
    apps: Vec<serde::de::IgnoredAny>,
}

/// Whether Marathon leads and is subscribed: `GET /v2/info`.
///
/// # Errors
/// When it does not answer, or not as a Marathon.
pub async fn marathon(http: &Http, url: &str) -> Result<Condition, ClientError> {
    let info: MarathonInfo = json(http, url, "/v2/info").await?;
    let version = Some(info.version);
    if !info.elected || info.framework_id.is_none() {
        let state = if info.elected { "not subscribed" } else { "not elected" };
        return Ok(Condition { ready: false, state: state.to_owned(), version });
    }
    let apps: MarathonApps = json(http, url, "/v2/apps").await?;
    let count = apps.apps.len();
    let state = format!("leading, {count} app{}", if count == 1 { "" } else { "s" });
    Ok(Condition { ready: true, state, version })
}

#[derive(Deserialize)]
struct Catalog {
    repositories: Vec<serde::de::IgnoredAny>,
}

/// Whether a registry of images answers, and how many repositories it names: `GET /v2/_catalog`.
///
/// # Errors
/// When it does not answer, or not as a registry.
pub async fn registry(http: &Http, url: &str) -> Result<Condition, ClientError> {
    let catalog: Catalog = json(http, url, "/v2/_catalog").await?;
    let count = catalog.repositories.len();
    let state = format!("serving, {count} {}", if count == 1 { "repository" } else { "repositories" });
    Ok(Condition { ready: true, state, version: None })
}

#[derive(Deserialize)]
struct Elected {
    #[serde(rename = "master/elected")]
    elected: f64,
}

/// Whether one of several masters leads. One that stands by is ready, too: `GET /metrics/snapshot`.
///
/// # Errors
/// When it does not answer, or not as a master.
pub async fn master(http: &Http, url: &str) -> Result<Condition, ClientError> {
    let Elected { elected } = json(http, url, "/metrics/snapshot").await?;
    let state = if elected > 0.0 { "elected" } else { "stands by" };
    Ok(Condition { ready: true, state: state.to_owned(), version: None })
}

async fn json<T: DeserializeOwned>(http: &Http, url: &str, path: &str) -> Result<T, ClientError> {
    let mut url = base_url(url)?;
    url.set_path(path);
    let request = http.0.get(url.clone()).header(reqwest::header::ACCEPT, "application/json");
    let answer = within(&url, async { accepted(sent(&url, request).await?).await }).await?;
    let body = whole(&url, answer).await?;
    serde_json::from_slice(&body).map_err(|error| ClientError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{zookeeper, zookeeper_address};
    use crate::client::ClientError;

    #[test]
    fn finds_the_first_server_of_a_url() {
        assert_eq!(zookeeper_address("zk://127.0.0.1:2181/mesos"), "127.0.0.1:2181");
        assert_eq!(zookeeper_address("zk://user:secret@a:1,b:2/mesos"), "a:1");
        assert_eq!(zookeeper_address("localhost:2181"), "localhost:2181");
    }

    #[tokio::test]
    async fn what_is_no_zookeeper_is_told_apart_from_what_is_not_there() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut word = [0; 4];
            peer.read_exact(&mut word).await.unwrap();
            peer.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap();
        };
        let url = format!("zk://{address}/mesos");
        let (answer, ()) = tokio::join!(zookeeper(&url), serve);
        assert!(matches!(answer, Err(ClientError::Malformed(_))), "{answer:?}");
        drop(listener);
        let answer = zookeeper(&url).await;
        assert!(matches!(answer, Err(ClientError::Unreachable { .. })), "{answer:?}");
    }
}
