//! Components as processes of their own: what `serve master` and `serve agent` take, refuse and do.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
};

use crate::support::Lab;

/// Runs a command that must fail with wrong usage: what it says.
fn refused(lab: &Lab, args: &[&str]) -> String {
    let ran = lab.run(args);
    assert_eq!(ran.code(), 2, "{args:?}: {}", ran.stderr());
    ran.stderr()
}

#[test]
fn a_refused_flag_says_why_and_what_instead() {
    assert_eq!(
        refused(&Lab::new(), &["serve", "master", "--registry=in_memory", "--whitelist=/etc/mesos/agents"]),
        "error: `--whitelist` is not supported: offers go out for every agent; start the wanted agents only\n\n\
         hint: mesoslab serve master --help; mesoslab serve master --flags lists every flag of mesos-master\n"
    );
}

#[test]
fn a_missing_work_dir_is_named() {
    assert_eq!(
        refused(&Lab::new(), &["serve", "master"]),
        "error: `--work_dir` is required: the registry is kept there, unless --registry=in_memory\n\n\
         hint: mesoslab serve master --help; mesoslab serve master --flags lists every flag of mesos-master\n"
    );
}

#[test]
fn every_problem_of_a_command_line_is_told_at_once() {
    let args = ["serve", "agent", "--mastr=127.0.0.1:5050", "--launcher", "linux", "--gc_delay=2w"];
    assert_eq!(
        refused(&Lab::new(), &args),
        "error: `mesoslab serve agent` cannot go by 5 of its flags\n  \
         | `--mastr` is no flag of mesos-agent; did you mean `--master`?\n  \
         | `--launcher` is supported as posix only: tasks are plain processes\n  \
         | `--gc_delay` cannot be read: Unknown duration unit 'w'; supported units are 'ns', 'us', 'ms', 'secs', \
         'mins', 'hrs', 'days', and 'weeks'\n  \
         | `--work_dir` is required\n  \
         | `--master` is required\n\n\
         hint: mesoslab serve agent --help; mesoslab serve agent --flags lists every flag of mesos-agent\n"
    );
}

#[test]
fn a_variable_is_refused_under_its_own_name() {
    let lab = Lab::new();
    let ran = lab
        .command(&["serve", "master"])
        .env("MESOS_REGISTRY", "in_memory")
        .env("MESOS_AUTHENTICATE_AGENTS", "true")
        .output();
    let ran = ran.expect("the binary runs");
    let text = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{text}");
    assert!(text.contains("`MESOS_AUTHENTICATE_AGENTS` is supported as false only"), "{text}");
}

#[test]
fn the_flags_are_in_the_help_and_all_of_them_in_a_list() {
    let lab = Lab::new();
    for (component, shown, hidden) in
        [("master", "--agent_ping_timeout", "--whitelist"), ("agent", "--attributes", "--isolation")]
    {
        let help = lab.ok(&["serve", component, "--help"]).stdout();
        assert!(help.contains(shown) && !help.contains(hidden), "{help}");
        let flags = lab.json(&["serve", component, "--flags"]);
        let names: Vec<&str> =
            flags.as_array().expect("a list").iter().filter_map(|f| f["flag"].as_str()).collect();
        assert!(names.contains(&&shown[2..]) && names.contains(&&hidden[2..]), "{names:?}");
        assert!(lab.ok(&["serve", component, "--flags"]).stdout().contains("refused"));
    }
    assert!(lab.ok(&["completions", "bash"]).stdout().contains("--executor_shutdown_grace_period"));
    lab.ok(&["man", "pages"]);
    let page = std::fs::read_to_string(lab.path().join("pages/mesoslab-serve-master.1")).expect("a page");
    assert!(page.contains("work_dir"), "{page}");
}

/// Starts a component, and waits until it says where it listens.
fn serve(lab: &Lab, args: &[&str]) -> (Child, String) {
    let args = [&["serve"], args].concat();
    let mut child = lab.command(&args).stderr(Stdio::piped()).spawn().expect("spawn");
    let lines = BufReader::new(child.stderr.take().expect("stderr")).lines().map_while(Result::ok);
    let line = lines.into_iter().find(|line| line.contains("http://")).expect("where it listens");
    let (_, address) = line.split_once("http://").expect("an address");
    (child, address.split_whitespace().next().expect("an address").to_owned())
}

fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("connect");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("ask");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_master_serves_until_it_is_told_to_end() {
    let lab = Lab::new();
    let args = ["master", "--work_dir=m", "--port=0", "--cluster=mine", "--log_dir=logs", "--roles", "a,b"];
    let (mut child, address) = serve(&lab, &args);
    let flags = get(&address, "/flags");
    assert!(flags.contains(r#""cluster":"mine""#) && flags.contains(r#""roles":"a,b""#), "{flags}");
    assert!(get(&address, "/state").contains(r#""cluster":"mine""#));
    let pid = rustix::process::Pid::from_raw(child.id() as i32).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("terminate");
    assert!(child.wait().expect("exit").success());
    let log = std::fs::read_to_string(lab.path().join("logs/mesos-master.INFO")).expect("a log");
    assert!(log.contains("master elected"), "{log}");
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let lab = Lab::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let ran = lab.run(&["serve", "master", "--registry=in_memory", &format!("--port={}", address.port())]);
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains(&format!("failed to listen on {address}")), "{}", ran.stderr());
    assert!(ran.stderr().contains("hint: --port=0"), "{}", ran.stderr());
}

#[test]
fn an_exhibitor_asks_nobody_for_a_password_and_stays_on_loopback() {
    let lab = Lab::new();
    let said = refused(&lab, &["serve", "exhibitor", "--listen", "0.0.0.0:8181"]);
    assert!(
        said.contains("Exhibitor's API has no login") && said.contains("hint: --listen 127.0.0.1:8181"),
        "{said}"
    );
    let said = refused(&lab, &["serve", "exhibitor", "--listen", "127.0.0.1:0", "--zookeeper", "here"]);
    assert!(said.contains("`here` is no address as HOST:PORT"), "{said}");
}
