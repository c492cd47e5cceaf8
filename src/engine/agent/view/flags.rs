//! The flags of an agent: those of `mesos-agent` 1.11 with the values this one runs with.

use std::collections::BTreeMap;

use crate::{
    engine::{
        agent::{AgentConfig, docker::DockerConfig},
        legacy::DurationText,
    },
    mesos::v1::{Attribute, Resource, value},
};

/// Flags that have no setting here: Mesos' defaults.
const FIXED: [(&str, &str); 69] = [
    ("appc_simple_discovery_uri_prefix", "http://"),
    ("appc_store_dir", "/tmp/mesos/store/appc"),
    ("authenticate_http_executors", "false"),
    ("authenticate_http_readonly", "false"),
    ("authenticate_http_readwrite", "false"),
    ("authenticatee", "crammd5"),
    ("authentication_backoff_factor", "1secs"),
    ("authentication_timeout_max", "1mins"),
    ("authentication_timeout_min", "5secs"),
    ("authorizer", "local"),
    ("cgroups_cpu_enable_pids_and_tids_count", "false"),
    ("cgroups_destroy_timeout", "1mins"),
    ("cgroups_enable_cfs", "false"),
    ("cgroups_hierarchy", "/sys/fs/cgroup"),
    ("cgroups_limit_swap", "false"),
    ("cgroups_root", "mesos"),
    ("container_disk_watch_interval", "15secs"),
    ("containerizers", "mesos"),
    ("default_role", "*"),
    ("disallow_sharing_agent_ipc_namespace", "false"),
    ("disallow_sharing_agent_pid_namespace", "false"),
    ("disk_watch_interval", "1mins"),
    ("docker", "docker"),
    ("docker_ignore_runtime", "false"),
    ("docker_kill_orphans", "true"),
    ("docker_registry", "https://registry-1.docker.io"),
    ("docker_remove_delay", "6hrs"),
    ("docker_socket", "/var/run/docker.sock"),
    ("docker_stop_timeout", "0ns"),
    ("docker_store_dir", "/tmp/mesos/store/docker"),
    ("docker_volume_checkpoint_dir", "/var/run/mesos/isolators/docker/volume"),
    ("docker_volume_chown", "false"),
    ("enforce_container_disk_quota", "false"),
    ("fetcher_cache_size", "2GB"),
    ("fetcher_stall_timeout", "1mins"),
    ("frameworks_home", ""),
    ("gc_delay", "1weeks"),
    ("gc_disk_headroom", "0.1"),
    ("gc_non_executor_container_sandboxes", "false"),
    ("help", "false"),
    ("hostname_lookup", "true"),
    ("http_command_executor", "false"),
    ("http_executor_domain_sockets", "false"),
    ("http_heartbeat_interval", "30secs"),
    ("initialize_driver_logging", "true"),
    ("isolation", "posix/cpu,posix/mem,filesystem/posix"),
    ("launcher", "posix"),
    ("logbufsecs", "0"),
    ("logging_level", "INFO"),
    ("memory_profiling", "false"),
    ("network_cni_metrics", "true"),
    ("network_cni_root_dir_persist", "false"),
    ("oversubscribed_resources_interval", "15secs"),
    ("perf_duration", "10secs"),
    ("perf_interval", "1mins"),
    ("qos_correction_interval_min", "0ns"),
    ("quiet", "false"),
    ("reconfiguration_policy", "equal"),
    ("recover", "reconnect"),
    ("recovery_timeout", "15mins"),
    ("registration_backoff_factor", "1secs"),
    ("revocable_cpu_low_priority", "true"),
    ("runtime_dir", "/var/run/mesos"),
    ("sandbox_directory", "/mnt/mesos/sandbox"),
    ("strict", "true"),
    ("systemd_enable_support", "false"),
    ("systemd_runtime_directory", "/run/systemd/system"),
    ("version", "false"),
    ("zk_session_timeout", "10secs"),
];

/// Every flag that has a value, by name. What the configuration names itself wins.
pub fn all(config: &AgentConfig) -> BTreeMap<String, String> {
    let fixed = FIXED.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let own = own(config).map(|(name, value)| (name.to_owned(), value));
    fixed.chain(own).chain(config.flags.clone()).collect()
}

fn own(config: &AgentConfig) -> impl Iterator<Item = (&'static str, String)> {
    let grace_period = DurationText(config.executor_shutdown_grace_period);
    let registration = DurationText(config.executor_registration_timeout);
    let reregistration = DurationText(config.executor_reregistration_timeout);
    let attributes: Vec<String> = config.info.attributes.iter().map(attribute).collect();
    let resources: Vec<String> = config.info.resources.iter().map(resource).collect();
    let always = [
        ("executor_registration_timeout", registration.to_string()),
        ("executor_reregistration_timeout", reregistration.to_string()),
        ("executor_shutdown_grace_period", grace_period.to_string()),
        ("fetcher_cache_dir", format!("{}/fetch", config.work_dir)),
        ("hostname", config.info.hostname.clone()),
        ("ip", config.ip.to_string()),
        ("launcher_dir", config.launcher_dir.clone()),
        ("max_completed_executors_per_framework", config.max_completed_executors_per_framework.to_string()),
        ("port", config.info.port().to_string()),
        ("resources", resources.join(";")),
        ("switch_user", config.switch_user.to_string()),
        ("work_dir", config.work_dir.clone()),
    ];
    let attributes = (!attributes.is_empty()).then(|| ("attributes", attributes.join(";")));
    always.into_iter().chain(attributes).chain(config.docker.iter().flat_map(docker))
}

fn docker(docker: &DockerConfig) -> impl Iterator<Item = (&'static str, String)> {
    let always = [
        ("containerizers", "docker,mesos".to_owned()),
        ("docker_kill_orphans", docker.kill_orphans.to_string()),
        ("docker_remove_delay", DurationText(docker.remove_delay).to_string()),
        ("sandbox_directory", docker.sandbox_directory.clone()),
    ];
    always.into_iter().chain(docker.socket.iter().map(|socket| ("docker_socket", socket.clone())))
}

fn resource(resource: &Resource) -> String {
    let (scalar, ranges, set) = (resource.scalar.as_ref(), resource.ranges.as_ref(), resource.set.as_ref());
    format!("{}:{}", resource.name, flag_value(scalar, ranges, set).unwrap_or_default())
}

fn attribute(attribute: &Attribute) -> String {
    let (scalar, ranges, set) =
        (attribute.scalar.as_ref(), attribute.ranges.as_ref(), attribute.set.as_ref());
    let text = attribute.text.as_ref().map(|text| text.value.clone());
    format!("{}:{}", attribute.name, flag_value(scalar, ranges, set).or(text).unwrap_or_default())
}

/// A value as one types it in a flag: `4`, `[31000-32000]`, `{a,b}`.
fn flag_value(
    scalar: Option<&value::Scalar>,
    ranges: Option<&value::Ranges>,
    set: Option<&value::Set>,
) -> Option<String> {
    let scalar = scalar.map(|scalar| scalar.value.to_string());
    let ranges = || {
        let ranges = ranges?.range.iter().map(|range| format!("{}-{}", range.begin, range.end));
        Some(format!("[{}]", ranges.collect::<Vec<_>>().join(",")))
    };
    scalar.or_else(ranges).or_else(|| Some(format!("{{{}}}", set?.item.join(","))))
}
