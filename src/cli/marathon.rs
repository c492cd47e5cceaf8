//! The command line of `serve marathon`: Marathon's own flags, as far as they mean something here; others are refused.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueHint};

/// Times are in milliseconds but for `--failover_timeout`, as Marathon has them.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Flags of Marathon",
    after_help = "Every flag of Marathon can stand in the environment too, as MARATHON_FLAG=VALUE; the command \
    line wins. Its --master is the one of the other commands."
)]
pub struct ServeMarathon {
    /// Where its HTTP API listens [default: --http_address and --http_port]
    #[arg(help_heading = "Options", long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Who may connect beside this machine and the network of the address, such as 10.0.0.0/8
    #[arg(help_heading = "Options", long, value_name = "NETWORKS")]
    pub allow_networks: Option<String>,
    /// Keep the state in ZooKeeper: zk://host:port/marathon
    #[arg(long, env = "MARATHON_ZK", value_name = "URL", conflicts_with_all = ["state_dir", "in_memory"])]
    pub zk: Option<String>,
    /// Keep the state in a directory [default: with the lab's state]
    #[arg(help_heading = "Options", long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "in_memory")]
    pub state_dir: Option<PathBuf>,
    /// Keep no state: a Marathon that starts again knows nothing
    #[arg(help_heading = "Options", long)]
    pub in_memory: bool,

    /// The address to listen on
    #[arg(long = "http_address", env = "MARATHON_HTTP_ADDRESS", default_value = "127.0.0.1")]
    pub http_address: std::net::IpAddr,
    /// The port to listen on; 0 takes any free one
    #[arg(long = "http_port", env = "MARATHON_HTTP_PORT", default_value_t = 8080)]
    pub http_port: u16,
    /// The name under which others find it [default: the address]
    #[arg(long, env = "MARATHON_HOSTNAME")]
    pub hostname: Option<String>,
    /// The framework's name
    #[arg(long = "framework_name", env = "MARATHON_FRAMEWORK_NAME", default_value = "marathon")]
    pub framework_name: String,
    /// The role of apps that name none
    #[arg(long = "mesos_role", env = "MARATHON_MESOS_ROLE", default_value = "*")]
    pub mesos_role: String,
    /// Who runs tasks of apps that name nobody [default: you]
    #[arg(long = "mesos_user", env = "MARATHON_MESOS_USER")]
    pub mesos_user: Option<String>,
    /// The principal to subscribe as
    #[arg(long = "mesos_authentication_principal", env = "MARATHON_MESOS_AUTHENTICATION_PRINCIPAL")]
    pub principal: Option<String>,
    /// For how many seconds tasks run on without a Marathon
    #[arg(long = "failover_timeout", env = "MARATHON_FAILOVER_TIMEOUT", default_value_t = 604_800)]
    pub failover_timeout: u64,
    /// Tasks do not survive their agent's restart
    #[arg(long = "disable_checkpoint")]
    pub disable_checkpoint: bool,
    /// Tasks survive their agent's restart: the default
    #[arg(long, conflicts_with = "disable_checkpoint")]
    pub checkpoint: bool,
    /// Where browsers find it [default: its own address]
    #[arg(long = "webui_url", env = "MARATHON_WEBUI_URL")]
    pub webui_url: Option<String>,
    /// The first service port that is given out
    #[arg(long = "local_port_min", env = "MARATHON_LOCAL_PORT_MIN", default_value_t = 10_000)]
    pub local_port_min: u16,
    /// The last one
    #[arg(long = "local_port_max", env = "MARATHON_LOCAL_PORT_MAX", default_value_t = 20_000)]
    pub local_port_max: u16,
    /// How many deployments may be under way
    #[arg(long = "max_running_deployments", env = "MARATHON_MAX_RUNNING_DEPLOYMENTS", default_value_t = 100)]
    pub max_running_deployments: usize,
    /// How many versions of each app are kept
    #[arg(long = "zk_max_versions", env = "MARATHON_ZK_MAX_VERSIONS", default_value_t = 50)]
    pub zk_max_versions: usize,
    /// gpu_resources; secrets and the others are not there
    #[arg(long = "enable_features", env = "MARATHON_ENABLE_FEATURES", value_delimiter = ',', value_parser = ["gpu_resources"])]
    pub enable_features: Vec<String>,
    /// The network of apps that want one and name none
    #[arg(long = "default_network_name", env = "MARATHON_DEFAULT_NETWORK_NAME")]
    pub default_network_name: Option<String>,
    /// For how long offers that are not used are refused
    #[arg(
        long = "decline_offer_duration",
        env = "MARATHON_DECLINE_OFFER_DURATION",
        default_value_t = 120_000
    )]
    pub decline_offer_duration: u64,
    /// No two revives follow each other faster; Marathon's own 5000 make apps wait
    #[arg(
        long = "min_revive_offers_interval",
        env = "MARATHON_MIN_REVIVE_OFFERS_INTERVAL",
        default_value_t = 100
    )]
    pub min_revive_offers_interval: u64,
    /// How many instances one offer may take
    #[arg(long = "max_instances_per_offer", env = "MARATHON_MAX_INSTANCES_PER_OFFER", default_value_t = 5)]
    pub max_instances_per_offer: usize,
    /// How often the master is asked about all tasks
    #[arg(
        long = "reconciliation_interval",
        env = "MARATHON_RECONCILIATION_INTERVAL",
        default_value_t = 600_000
    )]
    pub reconciliation_interval: u64,
    /// How long a launched task may stay unheard of
    #[arg(
        long = "task_launch_confirm_timeout",
        env = "MARATHON_TASK_LAUNCH_CONFIRM_TIMEOUT",
        default_value_t = 300_000
    )]
    pub task_launch_confirm_timeout: u64,
    /// How long a task may take to run
    #[arg(long = "task_launch_timeout", env = "MARATHON_TASK_LAUNCH_TIMEOUT", default_value_t = 300_000)]
    pub task_launch_timeout: u64,
    /// Before the names of the variables that tell tasks of their host and ports
    #[arg(
        long = "env_vars_prefix",
        env = "MARATHON_ENV_VARS_PREFIX",
        default_value = "",
        hide_default_value = true
    )]
    pub env_vars_prefix: String,
}
