//! The flags of `mesos-agent` that are about containers: launchers, isolators, images, Docker, networks.
//!
//! Tasks are plain processes here, as with Mesos' posix launcher and isolators, or containers of Docker Engine. What Mesos
//! itself does not look at with those is taken without effect; what it would act on is not taken.

use super::{Flag, boolean, bytes, duration, json, reasons, text, whole};

const POSIX: &str = "tasks are plain processes";
/// Of flags that Mesos looks at with other isolators only.
const NO_ISOLATOR: &str = "only isolators look at it that are not there";
const NO_IMAGES: &str = "images are run by Docker Engine only";
const NO_OTHERS: &str = "there are no others";
const BY_ENGINE: &str = "the engine is asked, by its socket";
const NO_EXECUTORS: &str = "the agent itself is the executor";
const NO_PASSWORDS: &str = "passwords are those that Docker itself has";
const NO_HADOOP: &str = "nothing is fetched by hadoop";
const NO_SYSTEMD: &str = "systemd is not asked";

const IMAGES: (&str, &str) = (NO_IMAGES, "leave it out");
const CONTAINERS: (&str, &str) = (POSIX, "leave it out");
const CGROUPS: (&str, &str) = ("there are no cgroups", "leave it out");
const PLUGINS: (&str, &str) = ("there are no CSI plugins", "leave it out");

pub const FLAGS: [Flag; 80] = [
    text("containerizers", "what runs containers, with commas between: mesos, docker")
        .or("mesos")
        .only(&["mesos", "docker"], NO_OTHERS),
    text("launcher", "what starts containers: posix or linux (Mesos as root: linux)")
        .or("posix")
        .only(&["posix"], POSIX),
    text("isolation", "what keeps containers apart")
        .or("posix/cpu,posix/mem")
        .only(&["posix/cpu", "posix/mem", "filesystem/posix"], POSIX),
    boolean(
        "switch_user",
        true,
        "run tasks as the user that they or their framework name, and not as the agent's",
    ),
    boolean("systemd_enable_support", false, "keep executors in units of systemd (Mesos: true)")
        .only(&["false"], NO_SYSTEMD),
    text("systemd_runtime_directory", "where systemd keeps its units")
        .or("/run/systemd/system")
        .ignored(NO_SYSTEMD),
    json("default_container_info", "the container of executors that name none").refused(CONTAINERS),
    text("volume_gid_range", "groups that own shared volumes").refused(CONTAINERS),
    text("csi_plugin_config_dir", "CSI plugins to run").refused(PLUGINS),
    // Images.
    text("image_providers", "kinds of images that are run: appc, docker").refused(IMAGES),
    text("image_provisioner_backend", "how images are unpacked").ignored(NO_IMAGES),
    json("image_gc_config", "when images are removed").ignored(NO_IMAGES),
    text("appc_simple_discovery_uri_prefix", "where appc images are").or("http://").ignored(NO_IMAGES),
    text("appc_store_dir", "where appc images are kept").or("/tmp/mesos/store/appc").ignored(NO_IMAGES),
    text("docker_registry", "where Docker images are").or("https://registry-1.docker.io").ignored(NO_IMAGES),
    text("docker_store_dir", "where Docker images are kept").or("/tmp/mesos/store/docker").ignored(NO_IMAGES),
    boolean("docker_ignore_runtime", false, "ignore what a Docker image says of its command")
        .ignored(NO_IMAGES),
    json("docker_config", "the passwords of Docker registries").ignored(NO_PASSWORDS),
    text("sandbox_directory", "where a container with an image sees its sandbox").or("/mnt/mesos/sandbox"),
    // Docker.
    text("docker", "the docker program").or("docker").ignored(BY_ENGINE),
    text("docker_socket", "where Docker Engine listens: a path, or a URL as in DOCKER_HOST")
        .or("/var/run/docker.sock"),
    text(
        "docker_container",
        "the container that this agent runs in: its network is that of the host for tasks",
    )
    .ours(),
    text("docker_mesos_image", "the image that this agent runs in").ignored(NO_EXECUTORS),
    boolean("docker_kill_orphans", true, "at a restart, remove containers of this agent that nobody knows"),
    duration("docker_remove_delay", "how long ended containers are kept (Mesos: 6hrs)").or("0ns"),
    duration("docker_stop_timeout", "how long a container may take to end; 0ns: as long as an executor")
        .or("0ns"),
    text("docker_volume_checkpoint_dir", "where volumes of containers are noted")
        .or("/var/run/mesos/isolators/docker/volume")
        .ignored(NO_ISOLATOR),
    boolean("docker_volume_chown", false, "give volumes to the user of the task").ignored(NO_ISOLATOR),
    // Fetching.
    bytes("fetcher_cache_size", "the size of the cache of fetched files").or("2GB"),
    text(
        "fetcher_cache_dir",
        "where fetched files are kept (Mesos: /tmp/mesos/fetch); default: in the work directory",
    ),
    duration("fetcher_stall_timeout", "when a fetch that does not go on is given up").or("1mins"),
    text("frameworks_home", "what comes before relative uris").or(""),
    text("hadoop_home", "where hadoop is").ignored(NO_HADOOP),
    // cgroups and namespaces.
    text("agent_subsystems", "cgroups that the agent itself moves to")
        .alias("slave_subsystems")
        .refused(CGROUPS),
    text("cgroups_hierarchy", "where cgroups are mounted").or("/sys/fs/cgroup").ignored(NO_ISOLATOR),
    text("cgroups_root", "the name of the first cgroup").or("mesos").ignored(NO_ISOLATOR),
    duration("cgroups_destroy_timeout", "how long removing a cgroup may take")
        .or("1mins")
        .ignored(NO_ISOLATOR),
    boolean("cgroups_enable_cfs", false, "hard limits of cpus; of containers of Docker only"),
    boolean("cgroups_limit_swap", false, "count swap as memory").ignored(NO_ISOLATOR),
    boolean("cgroups_cpu_enable_pids_and_tids_count", false, "count processes and threads")
        .ignored(NO_ISOLATOR),
    text("cgroups_net_cls_primary_handle", "the first half of network classes").ignored(NO_ISOLATOR),
    text("cgroups_net_cls_secondary_handles", "the second halves of network classes").ignored(NO_ISOLATOR),
    json("allowed_devices", "devices that containers may use").ignored(NO_ISOLATOR),
    json("effective_capabilities", "the capabilities of tasks that ask for none")
        .alias("allowed_capabilities")
        .ignored(NO_ISOLATOR),
    json("bounding_capabilities", "the most capabilities that a task may have").ignored(NO_ISOLATOR),
    bytes("default_container_shm_size", "the size of /dev/shm").ignored(NO_ISOLATOR),
    boolean("disallow_sharing_agent_ipc_namespace", false, "an IPC namespace for each container")
        .ignored(NO_ISOLATOR),
    boolean("disallow_sharing_agent_pid_namespace", false, "a pid namespace for each container")
        .ignored(NO_ISOLATOR),
    text("host_path_volume_force_creation", "directories in which volumes may be made").ignored(NO_ISOLATOR),
    text("nvidia_gpu_devices", "the GPUs of the agent")
        .refused(("GPUs are not isolated", "name them in --resources=gpus:N")),
    text("perf_events", "events that perf counts").ignored(NO_ISOLATOR),
    duration("perf_interval", "how often perf counts").or("1mins").ignored(NO_ISOLATOR),
    duration("perf_duration", "how long perf counts").or("10secs").ignored(NO_ISOLATOR),
    boolean("revocable_cpu_low_priority", true, "run revocable tasks at low priority").ignored(NO_ISOLATOR),
    duration("container_disk_watch_interval", "how often the disk of containers is looked at")
        .or("15secs")
        .ignored(NO_ISOLATOR),
    boolean("enforce_container_disk_quota", false, "kill what uses too much disk").ignored(NO_ISOLATOR),
    // Networks.
    text("network_cni_plugins_dir", "where CNI plugins are").ignored(NO_ISOLATOR),
    text("network_cni_config_dir", "where CNI networks are described").ignored(NO_ISOLATOR),
    boolean("network_cni_root_dir_persist", false, "keep CNI networks over a reboot").ignored(NO_ISOLATOR),
    boolean("network_cni_metrics", true, "count for CNI networks").ignored(NO_ISOLATOR),
    json("default_container_dns", "the name servers of containers").ignored(NO_ISOLATOR),
    boolean("http_executor_domain_sockets", false, "let executors connect by a socket in the file system")
        .only(&["false"], "executors connect by TCP"),
    text("domain_socket_location", "where that socket is").ignored("executors connect by TCP"),
    // Of special builds.
    whole("ephemeral_ports_per_container", "ports of a container").refused(reasons::BUILD),
    text("eth0_name", "the public network interface").refused(reasons::BUILD),
    text("lo_name", "the loopback interface").refused(reasons::BUILD),
    bytes("egress_rate_limit_per_container", "what a container may send in a second").refused(reasons::BUILD),
    boolean("egress_unique_flow_per_container", false, "a flow for each container").refused(reasons::BUILD),
    text("egress_flow_classifier_parent", "where flows are told apart").refused(reasons::BUILD),
    boolean("network_enable_socket_statistics_summary", false, "sum up sockets").refused(reasons::BUILD),
    boolean("network_enable_socket_statistics_details", false, "look at each socket").refused(reasons::BUILD),
    boolean("network_enable_snmp_statistics", false, "SNMP figures").refused(reasons::BUILD),
    duration("container_ports_watch_interval", "how often ports are looked at").refused(reasons::BUILD),
    boolean("check_agent_port_range_only", false, "look at the agent's own ports only")
        .refused(reasons::BUILD),
    boolean("enforce_container_ports", false, "kill what uses other ports").refused(reasons::BUILD),
    text("container_ports_isolated_range", "ports that are looked at").refused(reasons::BUILD),
    text("xfs_project_range", "XFS projects of containers").refused(reasons::BUILD),
    boolean("xfs_kill_containers", false, "kill what uses too much of an XFS").refused(reasons::BUILD),
    text("seccomp_config_dir", "where seccomp profiles are").refused(reasons::BUILD),
    text("seccomp_profile_name", "the seccomp profile of containers").refused(reasons::BUILD),
];
