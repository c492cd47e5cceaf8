//! The flags of `mesos-master` beside the common ones.

use super::{
    Flag, boolean, bytes, duration, json, number, path, port,
    reasons::{self, NO_AUTHENTICATION},
    secure, text, whole,
};

const REGISTRY_IS_A_FILE: &str = "the registry is one file";
const NO_CONSTRAINTS: &str = "a pattern in offer constraints may take 16 KB, whatever they say";
const RATE_LIMITS: (&str, &str) = ("no framework is slowed down", "leave it out");
const WHITELIST: (&str, &str) = ("offers go out for every agent", "start the wanted agents only");
const DOMAIN: (&str, &str) = ("a master has no region here", "leave it out; agents take --domain");

pub const FLAGS: [Flag; 56] = [
    port("port", "the port to listen on; 0: any free one").or("5050"),
    // State.
    text("work_dir", "where the registry is kept; required unless --registry=in_memory"),
    text("registry", "where the cluster is remembered: replicated_log (a file in --work_dir) or in_memory")
        .or("replicated_log"),
    whole("quorum", "how many replicas of the log must agree")
        .ignored("several masters keep their registry in ZooKeeper"),
    duration("registry_fetch_timeout", "how long reading the registry may take")
        .or("1mins")
        .ignored(REGISTRY_IS_A_FILE),
    duration("registry_store_timeout", "how long writing the registry may take")
        .or("20secs")
        .ignored(REGISTRY_IS_A_FILE),
    duration("registry_gc_interval", "how often the registry is cleaned up")
        .or("15mins"),
    duration("registry_max_agent_age", "how long an unreachable or gone agent is remembered")
        .or("2weeks"),
    whole("registry_max_agent_count", "how many unreachable agents, and how many gone ones, are remembered")
        .or("102400"),
    boolean("registry_strict", false, "act on the registry alone")
        .only(&["false"], "Mesos itself refuses anything else"),
    boolean("log_auto_initialize", true, "begin a registry where there is none")
        .only(&["true"], "a registry is begun where there is none"),
    secure("zk", "where several masters elect their leader and keep the registry: zk://host:port,host:port/path"),
    text("master_contender", "the module that stands for election").refused(reasons::MODULES),
    // Agents.
    duration("agent_ping_timeout", "how long an agent may take to answer a ping, from 1secs to 15mins")
        .or("15secs")
        .alias("slave_ping_timeout"),
    whole("max_agent_ping_timeouts", "how many pings an agent may miss before it is unreachable")
        .or("5")
        .alias("max_slave_ping_timeouts"),
    duration(
        "agent_reregister_timeout",
        "how long an agent may stay away; taken below 10mins too, where Mesos refuses it",
    )
    .or("10mins")
    .alias("slave_reregister_timeout"),
    text("agent_removal_rate_limit", "how many agents may become unreachable in what time: 1/10mins")
        .alias("slave_removal_rate_limit"),
    text("recovery_agent_removal_limit", "the part of the agents that may stay away after a restart")
        .or("100%")
        .alias("recovery_slave_removal_limit")
        .only(&["100%"], "a master of a lab goes on with the agents it has"),
    boolean("require_agent_domain", false, "refuse agents without a domain")
        .only(&["false"], "a master has no region here"),
    whole("max_executors_per_agent", "how many executors an agent may run")
        .alias("max_executors_per_slave")
        .refused(reasons::BUILD),
    path("whitelist", "a file with the agents to make offers for").refused(WHITELIST),
    json("domain", "the region and zone of the master").refused(DOMAIN),
    // Offers.
    duration("allocation_interval", "the time between allocations").or("1secs"),
    duration("offer_timeout", "how long an offer may stay unanswered; left out: for ever"),
    text("min_allocatable_resources", "the least that is offered: cpus:0.01|mem:32").or("cpus:0.01|mem:32"),
    boolean("filter_gpu_resources", true, "offer agents with GPUs to frameworks with GPU_RESOURCES only"),
    text("roles", "the only roles that may be used, with commas between"),
    text("weights", "the share of roles: role=weight,role=weight"),
    text("fair_sharing_excluded_resource_names", "resources that do not count for a fair share"),
    boolean(
        "offer_freed_resources_at_once",
        false,
        "offer what a task frees at once; off, as Mesos does, with the next allocation (on in the lab of `mesoslab up`)",
    )
    .ours(),
    text("allocator", "what decides who is offered what")
        .or("hierarchical")
        .only(&["hierarchical"], "there is no other allocator"),
    text("role_sorter", "the order of roles: drf or random")
        .or("drf")
        .alias("user_sorter")
        .only(&["drf"], "there is no other order"),
    text("framework_sorter", "the order of frameworks in a role: drf or random")
        .or("drf")
        .only(&["drf"], "there is no other order"),
    number("allocator_agent_recovery_factor", "the part of the agents that must be back before offers go out, where there are quotas")
        .or("0.8"),
    duration("allocator_recovery_timeout", "how long offers wait for agents after a restart, where there are quotas")
        .or("10mins"),
    bytes("offer_constraints_re2_max_mem", "the memory of a pattern in offer constraints")
        .or("4KB")
        .ignored(NO_CONSTRAINTS),
    whole("offer_constraints_re2_max_program_size", "the size of a pattern in offer constraints")
        .or("100")
        .ignored(NO_CONSTRAINTS),
    // What is remembered and shown.
    text("cluster", "the name of the cluster, which the endpoints show"),
    whole("max_completed_frameworks", "how many completed frameworks are shown").or("50"),
    whole("max_completed_tasks_per_framework", "how many completed tasks of a framework are shown")
        .or("1000"),
    whole("max_unreachable_tasks_per_framework", "how many unreachable tasks of a framework are shown")
        .or("1000"),
    whole("max_operator_event_stream_subscribers", "how many readers the event stream may have")
        .or("1000")
        .ignored("the number of connections is limited instead"),
    boolean("publish_per_framework_metrics", true, "count for each framework")
        .only(&["true"], "the metrics of frameworks are always there"),
    text("webui_dir", "where the files of the web UI are")
        .or("/usr/local/share/mesos/webui")
        .ignored("no web UI is served from files"),
    // Authentication.
    boolean("root_submissions", true, "let frameworks run tasks as root"),
    boolean("authenticate_frameworks", false, "let frameworks with a password in only")
        .alias("authenticate")
        .only(&["false"], NO_AUTHENTICATION),
    boolean("authenticate_agents", false, "let agents with a password in only")
        .alias("authenticate_slaves")
        .only(&["false"], NO_AUTHENTICATION),
    boolean("authenticate_http_frameworks", false, "let frameworks of the HTTP API in with a password only")
        .only(&["false"], NO_AUTHENTICATION),
    boolean("authenticate_http_readwrite", false, "ask for a password before anything is changed")
        .alias("authenticate_http")
        .only(&["false"], NO_AUTHENTICATION),
    duration("authentication_v0_timeout", "how long an authentication may take")
        .or("15secs")
        .ignored(NO_AUTHENTICATION),
    text("authenticators", "how passwords of frameworks and agents are checked")
        .or("crammd5")
        .only(&["crammd5"], NO_AUTHENTICATION),
    text("authorizers", "what decides who may do what")
        .or("local")
        .only(&["local"], NO_AUTHENTICATION),
    text("http_authenticators", "how passwords of HTTP requests are checked")
        .or("basic")
        .only(&["basic"], NO_AUTHENTICATION),
    text("http_framework_authenticators", "how passwords of frameworks of the HTTP API are checked")
        .only(&["basic"], NO_AUTHENTICATION),
    path("credentials", "a file with names and passwords").refused(reasons::AUTHENTICATION),
    json("rate_limits", "how many messages a framework may send in a second").refused(RATE_LIMITS),
];
