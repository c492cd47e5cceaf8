//! What Marathon is started with: its flags, as far as they mean something here.

use std::time::Duration;

use super::{form::Reader, launcher, ports::PortRange};

/// The defaults are those of Marathon's flags.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--framework_name`.
    pub framework_name: String,
    /// `--mesos_user`: who runs tasks of apps that name nobody.
    pub user: String,
    /// `--hostname`: by what name others find this Marathon.
    pub hostname: String,
    /// The port of its HTTP API.
    pub http_port: u16,
    /// `--webui_url`; by default made of the name and the port.
    pub webui_url: Option<String>,
    /// `--failover_timeout`.
    pub failover_timeout: Duration,
    /// `--checkpoint`.
    pub checkpoint: bool,
    /// `--mesos_authentication_principal`.
    pub principal: Option<String>,
    /// Where the masters are, as it was given.
    pub master: String,
    /// `--zk`, as it was given; none without ZooKeeper.
    pub zk: Option<String>,
    /// `--local_port_min` and `--local_port_max`.
    pub ports: PortRange,
    /// `--max_running_deployments`.
    pub max_running_deployments: usize,
    /// `--zk_max_versions`: how many versions of each app and of the tree are kept.
    pub max_versions: usize,
    /// `--enable_features`.
    pub features: Vec<String>,
    /// `--default_network_name`.
    pub default_network: Option<String>,
    /// Its `role` is `--mesos_role`.
    pub launcher: launcher::api::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            framework_name: "marathon".to_owned(),
            user: "root".to_owned(),
            hostname: "127.0.0.1".to_owned(),
            http_port: 8080,
            webui_url: None,
            failover_timeout: Duration::from_secs(604_800),
            checkpoint: true,
            principal: None,
            master: String::new(),
            zk: None,
            ports: PortRange::default(),
            max_running_deployments: 100,
            max_versions: 50,
            features: Vec::new(),
            default_network: None,
            launcher: launcher::api::Options::default(),
        }
    }
}

impl Options {
    /// `host:port`, as `/v2/leader` says it.
    pub fn leader(&self) -> String {
        format!("{}:{}", self.hostname, self.http_port)
    }

    /// Where browsers find it.
    pub fn webui(&self) -> String {
        self.webui_url.clone().unwrap_or_else(|| format!("http://{}", self.leader()))
    }

    pub fn reader(&self) -> Reader {
        Reader {
            role: self.launcher.role.clone(),
            features: self.features.clone(),
            default_network: self.default_network.clone(),
        }
    }
}
