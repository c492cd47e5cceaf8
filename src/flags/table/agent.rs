//! The flags of `mesos-agent` beside the common ones and those of containers.

use super::{
    Flag, boolean, duration, json, number, path, port,
    reasons::{self, NO_AUTHENTICATION},
    secure, text, whole,
};

const SANDBOXES_STAY: &str = "sandboxes are kept";
const NO_OVERSUBSCRIPTION: &str = "there is no oversubscription";
const PROVIDERS: (&str, &str) =
    ("there are no resource providers", "name all that the agent has in --resources");
const SECRETS: (&str, &str) = ("there are no secrets of executors", "leave it out");
const IP6: (&str, &str) = ("an agent has no IPv6 address here", "leave it out");
const FEATURES: (&str, &str) = ("an agent has the features it has", "leave it out");
const COMMANDS_ONLY: &str = "the agent runs commands itself";
const OVERSUBSCRIPTION: (&str, &str) = (NO_OVERSUBSCRIPTION, "leave it out");

pub const FLAGS: [Flag; 49] = [
    port("port", "the port to listen on; 0: any free one").or("5051"),
    secure(
        "master",
        "the master, host:port, or where masters elect their leader, zk://host:port/path; required",
    ),
    text("work_dir", "where sandboxes and the agent's memory are; required"),
    whole(
        "count",
        "run so many agents in this process: on the ports from --port on, in WORK_DIR/agent-1 and so on",
    )
    .or("1")
    .ours(),
    // What it has.
    text(
        "resources",
        "what it has: cpus:4;mem:4096;ports:[31000-32000], or JSON; what is not named is detected",
    ),
    text("attributes", "what distinguishes it: rack:a;zone:z1"),
    text("default_role", "the role of resources that name none").or("*"),
    json("domain", "its region and zone"),
    json("agent_features", "the features it has").refused(FEATURES),
    text("resource_provider_config_dir", "resource providers to run").refused(PROVIDERS),
    text("disk_profile_adaptor", "the module that reads disk profiles").refused(reasons::MODULES),
    text("resource_estimator", "the module that estimates what is left over").refused(OVERSUBSCRIPTION),
    text("qos_controller", "the module that corrects oversubscription").refused(OVERSUBSCRIPTION),
    duration("qos_correction_interval_min", "the least time between corrections")
        .or("0ns")
        .ignored(NO_OVERSUBSCRIPTION),
    duration("oversubscribed_resources_interval", "how often what is left over is reported")
        .or("15secs")
        .ignored(NO_OVERSUBSCRIPTION),
    // Its master.
    duration("registration_backoff_factor", "how long it may wait before it registers, up to 1mins")
        .or("1secs"),
    text("ip6", "its IPv6 address").refused(IP6),
    text("ip6_discovery_command", "a command that prints its IPv6 address").refused(IP6),
    // Executors.
    json("executor_environment_variables", "the environment of executors, as a JSON object of texts"),
    duration("executor_registration_timeout", "how long an executor may take to register")
        .or("1mins")
        .ignored(COMMANDS_ONLY),
    duration("executor_reregistration_timeout", "how long one may take after a restart, up to 15secs")
        .or("2secs")
        .ignored(COMMANDS_ONLY),
    duration("executor_reregistration_retry_interval", "when executors of the driver are called again")
        .ignored("the first call reaches them"),
    duration("executor_shutdown_grace_period", "how long an executor may take to end").or("5secs"),
    boolean("http_command_executor", false, "run commands by the HTTP API of executors")
        .ignored(COMMANDS_ONLY),
    whole("max_completed_executors_per_framework", "how many completed executors are shown").or("150"),
    text("launcher_dir", "the directory that is shown before mesos-executor").or("/usr/libexec/mesos"),
    text("container_logger", "the module that writes stdout and stderr").refused(reasons::MODULES),
    text("secret_resolver", "the module that resolves secrets").refused(reasons::MODULES),
    // A restart.
    text("recover", "what becomes of old executors: reconnect, or cleanup (end them and exit)")
        .or("reconnect"),
    duration("recovery_timeout", "how long executors wait for an agent that is gone").or("15mins"),
    boolean("strict", true, "give up when what was remembered cannot be read"),
    text("reconfiguration_policy", "what may change at a restart: equal, additive, or (ours) any")
        .or("equal"),
    // Sandboxes.
    duration("gc_delay", "how long sandboxes are kept").or("1weeks").ignored(SANDBOXES_STAY),
    number("gc_disk_headroom", "the part of the disk that is kept free").or("0.1").ignored(SANDBOXES_STAY),
    boolean("gc_non_executor_container_sandboxes", false, "collect sandboxes of nested containers too")
        .ignored(SANDBOXES_STAY),
    duration("disk_watch_interval", "how often the disk is looked at").or("1mins").ignored(SANDBOXES_STAY),
    text("runtime_dir", "where what a reboot ends is kept")
        .or("/var/run/mesos")
        .ignored("everything is kept in --work_dir"),
    duration("http_heartbeat_interval", "how often an attached client hears from the agent")
        .or("30secs")
        .ignored("attached clients hear from the agent every 30 s"),
    // Authentication.
    boolean("authenticate_http_readwrite", false, "ask for a password before anything is changed")
        .only(&["false"], NO_AUTHENTICATION),
    boolean("authenticate_http_executors", false, "let executors of the HTTP API in with a secret only")
        .only(&["false"], NO_AUTHENTICATION),
    text("authenticatee", "how the agent shows its password")
        .or("crammd5")
        .only(&["crammd5"], NO_AUTHENTICATION),
    text("authorizer", "what decides who may do what").or("local").only(&["local"], NO_AUTHENTICATION),
    duration("authentication_backoff_factor", "how much longer each authentication may take")
        .or("1secs")
        .ignored(NO_AUTHENTICATION),
    duration("authentication_timeout_min", "how long an authentication may take at first")
        .or("5secs")
        .ignored(NO_AUTHENTICATION),
    duration("authentication_timeout_max", "how long an authentication may take at last")
        .or("1mins")
        .ignored(NO_AUTHENTICATION),
    path("credential", "a file with the agent's name and password").refused(reasons::AUTHENTICATION),
    text("http_authenticators", "how passwords of HTTP requests are checked")
        .only(&["basic"], NO_AUTHENTICATION),
    path("http_credentials", "a file with names and passwords of clients").refused(reasons::AUTHENTICATION),
    path("jwt_secret_key", "the key of executors' secrets").alias("executor_secret_key").refused(SECRETS),
];
