//! Marathon's own health checks: a GET, or a connection.

use std::{sync::OnceLock, time::Duration};

use tokio::net::TcpStream;

use crate::services::marathon::launcher::api::{Outcome, Probe, ProbeTarget};

/// Makes probes.
#[derive(Debug, Default)]
pub(super) struct Prober {
    http: OnceLock<Option<reqwest::Client>>,
}

impl Prober {
    /// Always answers within the timeout of the probe.
    pub async fn probe(&self, probe: &Probe) -> Outcome {
        let made = tokio::time::timeout(probe.timeout, self.make(&probe.target)).await;
        made.unwrap_or_else(|_| Outcome::Failed(format!("timed out after {} s", probe.timeout.as_secs_f64())))
    }

    async fn make(&self, target: &ProbeTarget) -> Outcome {
        match target {
            ProbeTarget::Tcp { host, port } => match TcpStream::connect((host.as_str(), *port)).await {
                Ok(_) => Outcome::Connected,
                Err(error) => Outcome::Failed(error.to_string()),
            },
            ProbeTarget::Http { url } => match self.client() {
                Some(client) => match client.get(url).send().await {
                    Ok(response) => Outcome::Status(response.status().as_u16()),
                    Err(error) => Outcome::Failed(error.to_string()),
                },
                None => Outcome::Failed("no HTTP client".to_owned()),
            },
        }
    }

    /// Made when the first probe wants it; a probe is a connection of its own.
    fn client(&self) -> Option<&reqwest::Client> {
        let made = self.http.get_or_init(|| {
            let builder = reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .pool_idle_timeout(Duration::ZERO);
            builder.build().ok()
        });
        made.as_ref()
    }
}
