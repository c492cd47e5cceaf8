//! `/v2/info`: what this Marathon is, and the flags it goes by.

use serde_json::{Value, json};

use crate::services::marathon::core::Marathon;

/// The version of Marathon whose behaviour this is.
pub const VERSION: &str = "1.11.0";

impl Marathon {
    pub(in crate::services::marathon) fn info(&self) -> Value {
        let options = &self.options;
        json!({
            "name": "marathon",
            "version": VERSION,
            "buildref": concat!("mesoslab-", env!("CARGO_PKG_VERSION")),
            "elected": true,
            "leader": options.leader(),
            "frameworkId": self.framework_id.as_ref().map(ToString::to_string),
            "marathon_config": self.config(),
            "zookeeper_config": {
                "zk": options.zk,
                "zk_compression": false,
                "zk_compression_threshold": 65536,
                "zk_connection_timeout": 10000,
                "zk_max_node_size": 1_024_000,
                "zk_max_versions": options.max_versions,
                "zk_session_timeout": 10000,
                "zk_timeout": 10000,
            },
            "http_config": {"http_port": options.http_port, "https_port": 8443},
        })
    }

    fn config(&self) -> Value {
        let (options, launcher) = (&self.options, &self.options.launcher);
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        json!({
            "access_control_allow_origin": null,
            "checkpoint": options.checkpoint,
            "decline_offer_duration": millis(launcher.decline_for),
            "default_network_name": options.default_network,
            "env_vars_prefix": Some(&launcher.env_prefix).filter(|prefix| !prefix.is_empty()),
            "executor": "//cmd",
            "failover_timeout": options.failover_timeout.as_secs(),
            "features": options.features,
            "framework_name": options.framework_name,
            "ha": true,
            "hostname": options.hostname,
            "launch_token": 100,
            "launch_token_refresh_interval": 30000,
            "leader_proxy_connection_timeout_ms": 5000,
            "leader_proxy_read_timeout_ms": 10000,
            "local_port_max": options.ports.last,
            "local_port_min": options.ports.first,
            "master": options.master,
            "max_instances_per_offer": launcher.max_instances_per_offer,
            "mesos_bridge_name": "mesos-bridge",
            "mesos_heartbeat_failure_threshold": 5,
            "mesos_heartbeat_interval": 15000,
            "mesos_leader_ui_url": self.link.master.as_ref().map(|master| format!("{master}/")),
            "mesos_role": launcher.role,
            "mesos_user": options.user,
            "new_group_enforce_role": "off",
            "min_revive_offers_interval": millis(launcher.min_revive_interval),
            "offer_matching_timeout": 3000,
            "on_elected_prepare_timeout": 180_000,
            "reconciliation_initial_delay": millis(launcher.reconcile_delay),
            "reconciliation_interval": millis(launcher.reconcile_interval),
            "scale_apps_initial_delay": 15000,
            "scale_apps_interval": 300_000,
            "store_cache": true,
            "task_launch_confirm_timeout": millis(launcher.launch_confirm_timeout),
            "task_launch_timeout": millis(launcher.launch_timeout),
            "task_lost_expunge_initial_delay": 300_000,
            "task_lost_expunge_interval": 30000,
            "task_reservation_timeout": 20000,
            "webui_url": options.webui_url,
            "maintenance_mode": true,
        })
    }
}
