//! What command lines come to: the defaults are those of the engine, values land in their settings, `/flags` names
//! what that of Mesos names.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::PathBuf,
    time::Duration,
};

use serde_json::Value as Json;

use crate::{
    engine::{
        agent::{AgentConfig, reconfiguration::ReconfigurationPolicy},
        master::MasterConfig,
    },
    flags::{
        Problems,
        agent::{self, AgentSetup, MasterAddress, Recover},
        logging::Level,
        machine::Machine,
        master::{self, MasterSetup, Registry},
    },
    mesos::resources::Resources,
};

const MACHINE: Machine = Machine { cpus: Some(8), memory: Some(16 << 30), disk: Some(100 << 30) };

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn master(line: &str) -> Result<MasterSetup, Problems> {
    master::setup(&words(line), &[])
}

fn agent(line: &str) -> Result<AgentSetup, Problems> {
    agent::setup(&words(line), &[], |_| MACHINE)
}

fn agent_with(more: &str) -> AgentSetup {
    let master = if more.contains("--master") { "" } else { "--master=127.0.0.1:5050" };
    agent(&format!("{master} --work_dir=/w {more}")).unwrap()
}

fn problems<T: std::fmt::Debug>(setup: Result<T, Problems>) -> Vec<String> {
    setup.unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_master_without_flags_is_that_of_the_engine() {
    let setup = master("--registry=in_memory").unwrap();
    let expected = MasterConfig {
        offer_freed_resources_at_once: false,
        other_flags: setup.config.other_flags.clone(),
        ..MasterConfig::default()
    };
    assert_eq!(setup.config, expected);
    assert_eq!(setup.registry, Registry::InMemory);
    assert_eq!(setup.listen.address.to_string(), "127.0.0.1:5050");
}

#[test]
fn an_agent_without_flags_is_that_of_the_engine() {
    let setup = agent_with("");
    let [one] = &setup.agents[..] else { panic!("one agent") };
    let default = AgentConfig::new(one.config.info.clone(), "/w");
    assert_eq!(one.config.ip, default.ip);
    assert_eq!(one.config.work_dir, default.work_dir);
    assert_eq!(one.config.launcher_dir, default.launcher_dir);
    assert_eq!(one.config.executor_shutdown_grace_period, default.executor_shutdown_grace_period);
    assert_eq!(
        one.config.max_completed_executors_per_framework,
        default.max_completed_executors_per_framework
    );
    assert_eq!((one.config.info.hostname.as_str(), one.config.info.port), ("localhost", Some(5051)));
    assert_eq!(setup.recovery_timeout, Duration::from_secs(900));
    assert_eq!((setup.strict, setup.recover), (true, Recover::Reconnect));
    assert!(setup.agents[0].config.executor_environment.is_empty());
}

#[test]
fn the_flags_of_a_master_land_in_its_settings() {
    let setup = master(
        "--work_dir=/m --ip=10.1.2.3 --port=0 --advertise_port=80 --cluster=c --roles=a,b --weights=a=2,b=0.5 \
         --agent_ping_timeout=1secs --max_agent_ping_timeouts=3 --agent_reregister_timeout=5secs \
         --agent_removal_rate_limit=2/1mins --offer_timeout=30secs --allocation_interval=50ms \
         --min_allocatable_resources=cpus:1;mem:1 --no-filter_gpu_resources --max_completed_frameworks=1 \
         --max_completed_tasks_per_framework=2 --max_unreachable_tasks_per_framework=3 \
         --fair_sharing_excluded_resource_names=gpus --offer_freed_resources_at_once --allow_networks=10.0.0.0/8 \
         --logging_level=WARNING --log_dir=/l",
    )
    .unwrap();
    let config = &setup.config;
    assert_eq!(
        (config.ip, config.port, config.hostname.as_str()),
        (Ipv4Addr::new(10, 1, 2, 3), 80, "10.1.2.3")
    );
    assert_eq!(
        (setup.listen.address.to_string().as_str(), config.cluster.as_deref()),
        ("10.1.2.3:0", Some("c"))
    );
    assert_eq!(config.roles.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
    assert_eq!((config.weights["a"], config.weights["b"]), (2.0, 0.5));
    assert_eq!((config.agent_ping_timeout, config.max_agent_ping_timeouts), (Duration::from_secs(1), 3));
    assert_eq!(config.agent_reregister_timeout, Duration::from_secs(5));
    assert_eq!(setup.config.agent_removal_rate_limit, Some((2, Duration::from_secs(60))));
    assert_eq!(config.offer_timeout, Some(Duration::from_secs(30)));
    assert_eq!(config.allocation_interval, Duration::from_millis(50));
    assert_eq!((config.filter_gpu_resources, config.offer_freed_resources_at_once), (false, true));
    assert_eq!(config.min_allocatable_resources, "cpus:1;mem:1");
    assert_eq!((config.max_completed_frameworks, config.max_completed_tasks_per_framework), (1, 2));
    assert_eq!(config.max_unreachable_tasks_per_framework, 3);
    assert!(config.fair_sharing_excluded_resource_names.contains("gpus"));
    assert_eq!(
        (setup.listen.networks, setup.registry),
        (vec!["10.0.0.0/8".into()], Registry::WorkDir("/m".into()))
    );
    assert_eq!(setup.logging.level, Level::Warning);
    assert_eq!(setup.logging.shown(), Some(&PathBuf::from("/l/mesos-master.WARNING")));
}

#[test]
fn the_flags_of_an_agent_land_in_its_settings() {
    let setup = agent_with(
        "--hostname=h --attributes=rack:a --resources=cpus:2;mem(dev):64;disk:0 --default_role=dev \
         --registration_backoff_factor=10ms --executor_shutdown_grace_period=1secs --launcher_dir=/x --no-strict \
         --recover=cleanup --reconfiguration_policy=any --executor_environment_variables={\"A\":\"b\"} \
         --domain={\"fault_domain\":{\"region\":{\"name\":\"r\"},\"zone\":{\"name\":\"z\"}}}",
    );
    let info = &setup.agents[0].config.info;
    let expected = Resources::parse("cpus(dev):2;mem(dev):64;ports(dev):[31000-32000]", "*").unwrap();
    assert_eq!(Resources::from_protos(info.resources.clone()), expected, "no disk: it is named");
    assert_eq!((info.hostname.as_str(), info.attributes[0].to_string().as_str()), ("h", "rack=a"));
    assert_eq!(info.domain.as_ref().unwrap().fault_domain.as_ref().unwrap().region.name, "r");
    assert_eq!(setup.agents[0].config.launcher_dir, "/x");
    assert_eq!(setup.agents[0].config.executor_shutdown_grace_period, Duration::from_secs(1));
    assert_eq!(setup.agents[0].config.registration_backoff_factor, Duration::from_millis(10));
    assert_eq!((setup.strict, setup.recover), (false, Recover::Cleanup));
    assert_eq!(setup.reconfiguration_policy, ReconfigurationPolicy::Any);
    assert_eq!(setup.agents[0].config.executor_environment["A"], "b");
    assert_eq!(setup.master, MasterAddress::At { host: "127.0.0.1".into(), port: 5050 });
}

#[test]
fn what_resources_do_not_name_is_what_the_machine_has() {
    let resources =
        |more: &str| Resources::from_protos(agent_with(more).agents[0].config.info.resources.clone());
    let all = Resources::parse("cpus:8;mem:15360;disk:97280;ports:[31000-32000]", "*").unwrap();
    assert_eq!(resources(""), all);
    let json = r#"--resources=[{"name":"cpus","type":"SCALAR","scalar":{"value":1}}]"#;
    assert_eq!(resources(json).cpus(), Some(1.0));
    assert_eq!(resources(json).mem(), Some(15360.0));
}

#[test]
fn several_agents_differ_in_ports_and_directories() {
    let setup = agent_with("--count=3 --port=6000 --resources=cpus:1");
    let places = setup.agents.iter().map(|agent| {
        let ports = Resources::from_protos(agent.config.info.resources.clone()).ports();
        (agent.address.port(), agent.config.work_dir.clone(), ports.unwrap().to_string())
    });
    let expected = [
        (6000, "/w/agent-1".to_owned(), "[31000-31999]".to_owned()),
        (6001, "/w/agent-2".to_owned(), "[32000-32999]".to_owned()),
        (6002, "/w/agent-3".to_owned(), "[33000-33999]".to_owned()),
    ];
    assert_eq!(places.collect::<Vec<_>>(), expected);
    let many = agent_with("--count=1000 --port=0 --resources=cpus:1");
    let ports = |at: usize| Resources::from_protos(many.agents[at].config.info.resources.clone()).ports();
    assert_eq!(ports(0).unwrap().to_string(), "[31000-31029]");
    assert_eq!(ports(999).unwrap().to_string(), "[60970-60999]");
    let any = agent_with("--count=2 --port=0");
    assert!(any.agents.iter().all(|agent| agent.address.port() == 0));
    assert_eq!(any.agents[1].config.flags["work_dir"], "/w/agent-2");
}

#[test]
fn addresses_come_from_libprocess_where_no_flag_says_more() {
    let variables = env(&[
        ("LIBPROCESS_IP", "127.0.0.2"),
        ("LIBPROCESS_PORT", "1"),
        ("LIBPROCESS_ADVERTISE_IP", "10.0.0.9"),
        ("LIBPROCESS_ADVERTISE_PORT", "99"),
    ]);
    let line = words("--registry=in_memory");
    let listen = master::setup(&line, &variables).unwrap().listen;
    assert_eq!(listen.address.to_string(), "127.0.0.2:5050", "Mesos sets LIBPROCESS_PORT to its --port");
    assert_eq!(listen.advertised().to_string(), "10.0.0.9:99");
    let line = words("--registry=in_memory --ip=127.0.0.3 --advertise_ip=10.0.0.8 --advertise_port=98");
    let listen = master::setup(&line, &variables).unwrap().listen;
    assert_eq!(
        (listen.address.to_string(), listen.advertised().to_string()),
        ("127.0.0.3:5050".into(), "10.0.0.8:98".into())
    );
    let wrong = master::setup(&words("--registry=in_memory"), &env(&[("LIBPROCESS_IP", "::1")]));
    assert_eq!(problems(wrong), ["`LIBPROCESS_IP` wants an IPv4 address, such as 127.0.0.1, not `::1`"]);
}

#[test]
fn whoever_listens_everywhere_tells_an_address() {
    let listen = master("--registry=in_memory --ip=0.0.0.0").unwrap().listen;
    assert!(!listen.advertised().ip().is_unspecified());
    assert_eq!(listen.address.to_string(), "0.0.0.0:5050");
}

#[test]
fn host_names_stand_for_addresses() {
    for (line, name) in [
        ("--hostname=h", "h"),
        ("", "localhost"),
        ("--no-hostname_lookup", "127.0.0.1"),
        ("--ip=10.0.0.1", "10.0.0.1"),
        ("--advertise_ip=10.0.0.2", "10.0.0.2"),
    ] {
        assert_eq!(master(&format!("--registry=in_memory {line}")).unwrap().config.hostname, name, "{line}");
    }
}

#[test]
fn what_a_master_cannot_mean_is_told_at_once() {
    let found = problems(master(
        "--agent_ping_timeout=500ms --max_agent_ping_timeouts=0 --offer_timeout=0secs --allocation_interval=0ns \
         --roles=a,/b --weights=a=-1 --agent_removal_rate_limit=10mins --min_allocatable_resources=cpus --ip=here \
         --logging_level=DEBUG --advertise_port=0",
    ));
    let about: BTreeSet<_> = found.iter().filter_map(|line| line.split('`').nth(1)).collect();
    let expected = [
        "--advertise_port",
        "--agent_ping_timeout",
        "--agent_removal_rate_limit",
        "--allocation_interval",
        "--ip",
        "--logging_level",
        "--max_agent_ping_timeouts",
        "--min_allocatable_resources",
        "--offer_timeout",
        "--roles",
        "--weights",
        "--work_dir",
    ];
    assert_eq!(about, expected.into_iter().collect(), "{found:#?}");
    assert_eq!(
        problems(master("--registry=disk")),
        ["`--registry` knows replicated_log and in_memory, not `disk`"]
    );
    assert!(
        problems(master("--registry=in_memory --roles=a --weights=b=1"))[0]
            .contains("which --roles does not")
    );
}

#[test]
fn what_an_agent_cannot_mean_is_told_at_once() {
    let found = problems(agent(
        "--master=zk://z/ --resources=cpus --attributes=rack --registration_backoff_factor=2mins --count=0 \
         --executor_reregistration_timeout=1mins --recover=maybe --reconfiguration_policy=some --domain={} \
         --executor_environment_variables={\"A\":1}",
    ));
    let about: BTreeSet<_> = found.iter().filter_map(|line| line.split('`').nth(1)).collect();
    let expected = [
        "--attributes",
        "--count",
        "--domain",
        "--executor_environment_variables",
        "--executor_reregistration_timeout",
        "--master",
        "--reconfiguration_policy",
        "--recover",
        "--registration_backoff_factor",
        "--resources",
        "--work_dir",
    ];
    assert_eq!(about, expected.into_iter().collect(), "{found:#?}");
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert_eq!(problems(agent("")), ["`--work_dir` is required", "`--master` is required"]);
    assert_eq!(problems(agent("--work_dir --master=h:1")), ["`--work_dir` wants a value: --work_dir=TEXT"]);
    let too_many = agent("--master=h:1 --work_dir=/w --count=2 --port=65535 --advertise_port=1");
    assert_eq!(
        problems(too_many),
        ["`--count` goes beyond port 65535", "`--advertise_port` goes with one agent only"]
    );
}

/// A recorded `/flags`.
fn recorded(file: &str) -> BTreeMap<String, String> {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let body: Json = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
    serde_json::from_value(body["flags"].clone()).unwrap()
}

/// Holds what is shown against a recording: the same names, and the same values but for these.
fn compare(shown: &BTreeMap<String, String>, file: &str, other: &[&str]) {
    let recorded = recorded(file);
    assert_eq!(shown.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    let differ = shown.iter().filter(|(name, value)| recorded[*name] != **value);
    assert_eq!(differ.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), other);
}

#[test]
fn images_run_where_the_containerizers_say_so() {
    let plain = agent_with("--master=h:1");
    assert_eq!(plain.agents[0].config.docker, None);
    let setup = agent_with(
        "--master=h:1 --containerizers=docker,mesos --docker_socket=/run/d.sock --docker_container=lab-agent-1 \
         --docker_stop_timeout=7secs --docker_remove_delay=1mins --no-docker_kill_orphans --cgroups_enable_cfs",
    );
    let docker = setup.agents[0].config.docker.clone().unwrap();
    assert_eq!(
        (docker.socket.as_deref(), docker.own_container.as_deref()),
        (Some("/run/d.sock"), Some("lab-agent-1"))
    );
    assert_eq!(
        (docker.stop_timeout, docker.remove_delay),
        (Some(Duration::from_secs(7)), Duration::from_secs(60))
    );
    assert_eq!((docker.kill_orphans, docker.cpu_quota), (false, true));
    assert_eq!(setup.agents[0].config.flags["containerizers"], "docker,mesos");
}

#[test]
fn what_is_shown_is_what_mesos_shows() {
    let setup = master("--work_dir=/m --hostname=localhost --ip=127.0.0.1 --registry=in_memory --port=15050")
        .unwrap();
    compare(&setup.config.other_flags, "05-master-legacy/14-GET-flags.resp.raw", &["webui_dir", "work_dir"]);
    let setup = agent_with(
        "--hostname=localhost --ip=127.0.0.1 --attributes=rack:abc;level:10 --master=127.0.0.1:15050 --port=15051 \
         --resources=cpus:4;mem:4096;disk:10240;ports:[31000-32000] --isolation=posix/cpu,posix/mem,filesystem/posix",
    );
    let other = ["docker_remove_delay", "fetcher_cache_dir", "launcher_dir", "runtime_dir", "work_dir"];
    compare(&setup.agents[0].config.flags, "07-agent-legacy/04-GET-flags.resp.raw", &other);
}
