//! The flags of the master: those of `mesos-master` 1.11 with the values this one runs with.

use std::collections::BTreeMap;

use crate::engine::{legacy::DurationText, master::MasterConfig};

/// Flags that have no setting here: Mesos' defaults.
const FIXED: [(&str, &str); 40] = [
    ("agent_reregister_timeout", "10mins"),
    ("allocator", "hierarchical"),
    ("allocator_agent_recovery_factor", "0.8"),
    ("allocator_recovery_timeout", "10mins"),
    ("authenticate_agents", "false"),
    ("authenticate_frameworks", "false"),
    ("authenticate_http_frameworks", "false"),
    ("authenticate_http_readonly", "false"),
    ("authenticate_http_readwrite", "false"),
    ("authentication_v0_timeout", "15secs"),
    ("authenticators", "crammd5"),
    ("authorizers", "local"),
    ("framework_sorter", "drf"),
    ("help", "false"),
    ("hostname_lookup", "true"),
    ("http_authenticators", "basic"),
    ("initialize_driver_logging", "true"),
    ("log_auto_initialize", "true"),
    ("logbufsecs", "0"),
    ("logging_level", "INFO"),
    ("max_operator_event_stream_subscribers", "1000"),
    ("memory_profiling", "false"),
    ("offer_constraints_re2_max_mem", "4KB"),
    ("offer_constraints_re2_max_program_size", "100"),
    ("publish_per_framework_metrics", "true"),
    ("quiet", "false"),
    ("recovery_agent_removal_limit", "100%"),
    ("registry", "in_memory"),
    ("registry_fetch_timeout", "1mins"),
    ("registry_gc_interval", "15mins"),
    ("registry_max_agent_age", "2weeks"),
    ("registry_max_agent_count", "102400"),
    ("registry_store_timeout", "20secs"),
    ("registry_strict", "false"),
    ("require_agent_domain", "false"),
    ("role_sorter", "drf"),
    ("version", "false"),
    ("webui_dir", "/usr/local/share/mesos/webui"),
    ("work_dir", "/var/lib/mesos"),
    ("zk_session_timeout", "10secs"),
];

/// Every flag that has a value, by name.
pub fn all(config: &MasterConfig) -> BTreeMap<String, String> {
    let fixed = FIXED.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut flags: BTreeMap<_, _> = fixed.chain(config.other_flags.clone()).collect();
    flags.extend(own(config).map(|(name, value)| (name.to_owned(), value)));
    flags.extend(optional(config).map(|(name, value)| (name.to_owned(), value)));
    flags
}

fn own(config: &MasterConfig) -> impl Iterator<Item = (&'static str, String)> {
    let duration = |duration| DurationText(duration).to_string();
    [
        ("agent_ping_timeout", duration(config.agent_ping_timeout)),
        ("allocation_interval", duration(config.allocation_interval)),
        ("filter_gpu_resources", config.filter_gpu_resources.to_string()),
        ("hostname", config.hostname.clone()),
        ("ip", config.ip.to_string()),
        ("max_agent_ping_timeouts", config.max_agent_ping_timeouts.to_string()),
        ("max_completed_frameworks", config.max_completed_frameworks.to_string()),
        ("max_completed_tasks_per_framework", config.max_completed_tasks_per_framework.to_string()),
        ("max_unreachable_tasks_per_framework", config.max_unreachable_tasks_per_framework.to_string()),
        ("min_allocatable_resources", config.min_allocatable_resources.clone()),
        ("root_submissions", config.root_submissions.to_string()),
        ("port", config.port.to_string()),
    ]
    .into_iter()
}

fn optional(config: &MasterConfig) -> impl Iterator<Item = (&'static str, String)> {
    let weights: Vec<String> =
        config.weights.iter().map(|(role, weight)| format!("{role}={weight}")).collect();
    [
        ("cluster", config.cluster.clone()),
        ("offer_timeout", config.offer_timeout.map(|timeout| DurationText(timeout).to_string())),
        ("roles", config.roles.as_ref().map(|roles| roles.join(","))),
        ("weights", (!weights.is_empty()).then(|| weights.join(","))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}
