//! The flags that master and agent have in common: logging, addresses, and what neither of them does here.

use super::{Flag, boolean, duration, json, port, reasons, text, whole};

pub const FLAGS: [Flag; 24] = [
    boolean("help", false, "print the flags and exit"),
    boolean("version", false, "print the version and exit"),
    // Logging.
    boolean("quiet", false, "log nothing to stderr"),
    text("logging_level", "log what is at least as grave: INFO, WARNING or ERROR").or("INFO"),
    text("log_dir", "log to a file in this directory too"),
    text("external_log_file", "the log file that something else writes and that is shown instead of ours"),
    whole("logbufsecs", "how many seconds the log may be held back")
        .or("0")
        .ignored("the log is written at once"),
    boolean("initialize_driver_logging", true, "set up the log of drivers")
        .ignored("no driver runs in this process"),
    // Addresses.
    text("ip", "the IPv4 address to listen on; left out: 127.0.0.1 (Mesos: that of the host's name)"),
    text("advertise_ip", "the address that others are told to use"),
    port("advertise_port", "the port that others are told to use"),
    text("hostname", "the host name that is shown; left out: localhost on loopback, else the address"),
    boolean("hostname_lookup", true, "false: the address is shown in place of localhost too"),
    text("ip_discovery_command", "a command that prints the address").refused(reasons::DISCOVERY),
    text("allow_networks", "networks (10.0.0.0/8,...) that may connect, beside loopback and that of --ip")
        .ours(),
    // Authentication.
    boolean("authenticate_http_readonly", false, "ask for a password before anything is read")
        .only(&["false"], reasons::NO_AUTHENTICATION),
    json("acls", "who may do what").refused(reasons::AUTHENTICATION),
    json("firewall_rules", "endpoints that are switched off").refused(reasons::FIREWALL),
    // Modules.
    json("modules", "modules to load").refused(reasons::MODULES),
    text("modules_dir", "a directory with lists of modules to load").refused(reasons::MODULES),
    text("hooks", "hook modules to install").refused(reasons::MODULES),
    text("master_detector", "the module that finds the leading master").refused(reasons::MODULES),
    // The rest.
    boolean("memory_profiling", false, "profile memory with jemalloc")
        .only(&["false"], "there is no profiler"),
    duration("zk_session_timeout", "how long a ZooKeeper session outlives its connection").or("10secs"),
];
