//! The table against the names in the sources of Mesos 1.11.0: `src/{master,slave,logging}/flags.cpp`, special builds
//! included.

use std::collections::BTreeSet;

use crate::flags::{Component, Support, value::Value};

/// The 78 flags of `mesos-master`.
const MASTER: &str = "
acls advertise_ip advertise_port agent_ping_timeout agent_removal_rate_limit agent_reregister_timeout
allocation_interval allocator allocator_agent_recovery_factor allocator_recovery_timeout
authenticate_agents authenticate_frameworks authenticate_http_frameworks authenticate_http_readonly
authenticate_http_readwrite authentication_v0_timeout authenticators authorizers cluster credentials
domain external_log_file fair_sharing_excluded_resource_names filter_gpu_resources firewall_rules
framework_sorter help hooks hostname hostname_lookup http_authenticators http_framework_authenticators
initialize_driver_logging ip ip_discovery_command log_auto_initialize log_dir logbufsecs logging_level
master_contender master_detector max_agent_ping_timeouts max_completed_frameworks
max_completed_tasks_per_framework max_executors_per_agent max_operator_event_stream_subscribers
max_unreachable_tasks_per_framework memory_profiling min_allocatable_resources modules modules_dir
offer_constraints_re2_max_mem offer_constraints_re2_max_program_size offer_timeout port
publish_per_framework_metrics quiet quorum rate_limits recovery_agent_removal_limit registry
registry_fetch_timeout registry_gc_interval registry_max_agent_age registry_max_agent_count
registry_store_timeout registry_strict require_agent_domain role_sorter roles root_submissions version
webui_dir weights whitelist work_dir zk zk_session_timeout
";

/// The 150 flags of `mesos-agent`.
const AGENT: &str = "
acls advertise_ip advertise_port agent_features agent_subsystems allowed_devices
appc_simple_discovery_uri_prefix appc_store_dir attributes authenticate_http_executors
authenticate_http_readonly authenticate_http_readwrite authenticatee authentication_backoff_factor
authentication_timeout_max authentication_timeout_min authorizer bounding_capabilities
cgroups_cpu_enable_pids_and_tids_count cgroups_destroy_timeout cgroups_enable_cfs cgroups_hierarchy
cgroups_limit_swap cgroups_net_cls_primary_handle cgroups_net_cls_secondary_handles cgroups_root
check_agent_port_range_only container_disk_watch_interval container_logger container_ports_isolated_range
container_ports_watch_interval containerizers credential csi_plugin_config_dir default_container_dns
default_container_info default_container_shm_size default_role disallow_sharing_agent_ipc_namespace
disallow_sharing_agent_pid_namespace disk_profile_adaptor disk_watch_interval docker docker_config
docker_ignore_runtime docker_kill_orphans docker_mesos_image docker_registry docker_remove_delay
docker_socket docker_stop_timeout docker_store_dir docker_volume_checkpoint_dir docker_volume_chown domain
domain_socket_location effective_capabilities egress_flow_classifier_parent
egress_rate_limit_per_container egress_unique_flow_per_container enforce_container_disk_quota
enforce_container_ports ephemeral_ports_per_container eth0_name executor_environment_variables
executor_registration_timeout executor_reregistration_retry_interval executor_reregistration_timeout
executor_shutdown_grace_period external_log_file fetcher_cache_dir fetcher_cache_size
fetcher_stall_timeout firewall_rules frameworks_home gc_delay gc_disk_headroom
gc_non_executor_container_sandboxes hadoop_home help hooks host_path_volume_force_creation hostname
hostname_lookup http_authenticators http_command_executor http_credentials http_executor_domain_sockets
http_heartbeat_interval image_gc_config image_providers image_provisioner_backend
initialize_driver_logging ip ip6 ip6_discovery_command ip_discovery_command isolation jwt_secret_key
launcher launcher_dir lo_name log_dir logbufsecs logging_level master master_detector
max_completed_executors_per_framework memory_profiling modules modules_dir network_cni_config_dir
network_cni_metrics network_cni_plugins_dir network_cni_root_dir_persist network_enable_snmp_statistics
network_enable_socket_statistics_details network_enable_socket_statistics_summary nvidia_gpu_devices
oversubscribed_resources_interval perf_duration perf_events perf_interval port qos_controller
qos_correction_interval_min quiet reconfiguration_policy recover recovery_timeout
registration_backoff_factor resource_estimator resource_provider_config_dir resources
revocable_cpu_low_priority runtime_dir sandbox_directory seccomp_config_dir seccomp_profile_name
secret_resolver strict switch_user systemd_enable_support systemd_runtime_directory version
volume_gid_range work_dir xfs_kill_containers xfs_project_range zk_session_timeout
";

/// Each flag that has a former name.
const FORMER: [(Component, &str, &str); 13] = [
    (Component::Master, "agent_reregister_timeout", "slave_reregister_timeout"),
    (Component::Master, "recovery_agent_removal_limit", "recovery_slave_removal_limit"),
    (Component::Master, "agent_removal_rate_limit", "slave_removal_rate_limit"),
    (Component::Master, "role_sorter", "user_sorter"),
    (Component::Master, "authenticate_frameworks", "authenticate"),
    (Component::Master, "authenticate_agents", "authenticate_slaves"),
    (Component::Master, "authenticate_http_readwrite", "authenticate_http"),
    (Component::Master, "max_executors_per_agent", "max_executors_per_slave"),
    (Component::Master, "agent_ping_timeout", "slave_ping_timeout"),
    (Component::Master, "max_agent_ping_timeouts", "max_slave_ping_timeouts"),
    (Component::Agent, "jwt_secret_key", "executor_secret_key"),
    (Component::Agent, "agent_subsystems", "slave_subsystems"),
    (Component::Agent, "effective_capabilities", "allowed_capabilities"),
];

fn of_mesos(component: Component) -> BTreeSet<&'static str> {
    match component {
        Component::Master => MASTER.split_whitespace().collect(),
        Component::Agent => AGENT.split_whitespace().collect(),
    }
}

#[test]
fn every_flag_of_mesos_is_in_the_table_once() {
    for component in [Component::Master, Component::Agent] {
        let flags = component.flags();
        let names: BTreeSet<_> = flags.iter().map(|flag| flag.name).collect();
        assert_eq!(names.len(), flags.len(), "a flag stands twice in the table of {component:?}");
        let ours: BTreeSet<_> =
            flags.iter().filter(|flag| flag.support == Support::Ours).map(|flag| flag.name).collect();
        assert_eq!(&names - &ours, of_mesos(component), "{component:?}");
        assert!(of_mesos(component).is_disjoint(&ours), "{component:?}");
    }
}

#[test]
fn every_former_name_finds_its_flag() {
    for (component, name, former) in FORMER {
        assert_eq!(component.find(former).map(|flag| flag.name), Some(name), "{former}");
    }
    let all = [Component::Master, Component::Agent].map(|component| component.flags());
    assert_eq!(all.iter().flatten().filter(|flag| flag.alias.is_some()).count(), FORMER.len());
}

#[test]
fn defaults_can_be_read_print_as_they_are_typed_and_are_supported() {
    for flag in [Component::Master, Component::Agent].map(|component| component.flags()).iter().flatten() {
        let Some(default) = flag.default else { continue };
        let value = flag.kind.parse(default).unwrap_or(Value::Bool(false));
        assert_eq!(value.to_string(), default, "{}", flag.name);
        if let Support::Only(values, _) = flag.support {
            assert!(default.split(',').all(|part| values.contains(&part)), "{}", flag.name);
        }
    }
}

#[test]
fn the_help_is_one_short_line() {
    for flag in [Component::Master, Component::Agent].map(|component| component.flags()).iter().flatten() {
        assert!(!flag.help.is_empty() && flag.help.len() < 120, "{}: {}", flag.name, flag.help);
        assert!(!flag.help.ends_with('.') && !flag.help.contains('\n'), "{}", flag.name);
    }
}
