//! `mesoslab compose`: what Compose reads in the file is what the lab has.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
};

use serde_yaml_ng::Value;

use super::private::PrivateEngine;
use crate::support::{Lab, skipped};

/// Program and first arguments.
pub type Program = Vec<String>;

/// The first generation.
fn first() -> Program {
    vec!["docker-compose".to_owned()]
}

/// The second one, as Docker's plugin or at the path in `MESOSLAB_TEST_COMPOSE`.
fn second() -> Program {
    let own = std::env::var("MESOSLAB_TEST_COMPOSE").ok();
    own.map_or_else(|| vec!["docker".to_owned(), "compose".to_owned()], |path| vec![path])
}

fn is_there(program: &Program) -> bool {
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).arg("version").stdout(Stdio::null()).stderr(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    if !there {
        skipped(&format!("there is no {}", program.join(" ")));
    }
    there
}

/// Those that are installed here.
pub fn programs() -> Vec<Program> {
    [first(), second()].into_iter().filter(is_there).collect()
}

/// Holds that Compose shows a lab which mesoslab has started: the second generation, as the first one wants the file.
pub fn shows(engine: &PrivateEngine, project: &str, service: &str) {
    let program = second();
    if !is_there(&program) {
        return;
    }
    let said = |args: &[&str]| {
        let mut command = Command::new(&program[0]);
        let output = command.args(&program[1..]).args(args).env("DOCKER_HOST", engine.place()).output();
        let output = output.expect("Compose runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let projects = said(&["ls"]);
    let line = projects.lines().find(|line| line.starts_with(project)).unwrap_or_default();
    assert!(line.contains("running("), "{projects}");
    let services = said(&["--project-name", project, "ps", "--services"]);
    assert!(services.lines().any(|line| line == service), "{services}");
    let logs = said(&["--project-name", project, "logs", "--no-color", service]);
    // It cleans its lines for a terminal that is not there.
    let prefix = format!("{service}-1  | ");
    assert!(logs.lines().any(|line| line.trim_start_matches("\u{1b}[2K").starts_with(&prefix)), "{logs}");
}

/// What a Compose makes of a file.
fn read(program: &Program, lab: &Lab, file: &str) -> Value {
    std::fs::write(lab.path().join("compose.yaml"), file).expect("write the file");
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).args(["-p", "mesoslab-test", "-f", "compose.yaml", "--profile", "scheduler"]);
    let output = command.arg("config").current_dir(lab.path()).output().expect("Compose runs");
    assert!(output.status.success(), "{program:?}: {}\n{file}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_yaml_ng::from_slice(&output.stdout).expect("YAML")
}

/// `127.0.0.1:5050:5050` of either generation's form of a port.
fn port(port: &Value) -> String {
    let text = |key: &str| match &port[key] {
        Value::String(text) => text.clone(),
        other => other.as_u64().expect("a port").to_string(),
    };
    match port.as_str() {
        Some(short) => short.trim_end_matches("/tcp").to_owned(),
        None => format!("{}:{}:{}", text("host_ip"), text("published"), text("target")),
    }
}

fn names(of: &Value) -> BTreeSet<String> {
    let named = of.as_mapping().expect("a mapping").values();
    named.map(|entry| entry["name"].as_str().expect("a name").to_owned()).collect()
}

/// Names and ports of the containers, by service.
fn containers(file: &Value) -> BTreeMap<String, (String, String)> {
    let services = file["services"].as_mapping().expect("services");
    let of = |(name, service): (&Value, &Value)| {
        let container = service["container_name"].as_str().expect("a name").to_owned();
        (name.as_str().expect("a name").to_owned(), (container, port(&service["ports"][0])))
    };
    services.iter().map(of).collect()
}

#[test]
fn compose_reads_the_file_as_it_is_meant() {
    let lab = Lab::with_file("[[agents]]\nattributes = \"rack:a;price:$5\"\n").with_marathon();
    let flavors = ["lite", "apache"];
    let programs = programs();
    for (program, flavor) in programs.iter().flat_map(|program| flavors.map(|flavor| (program, flavor))) {
        let text = lab.ok(&["compose", "--flavor", flavor, "--agents", "2", "--masters", "3"]).stdout();
        let ours: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        let theirs = read(program, &lab, &text);
        assert_eq!(containers(&theirs), containers(&ours), "{program:?}");
        assert_eq!(containers(&ours).len(), 10, "{text}");
        assert_eq!(names(&theirs["volumes"]), names(&ours["volumes"]), "{program:?}");
        assert_eq!(names(&theirs["networks"]), BTreeSet::from(["mesoslab-test_default".to_owned()]));
        let master = &containers(&theirs)["master-2"];
        assert_eq!(*master, ("mesoslab-test-master-2-1".to_owned(), "127.0.0.1:5049:5049".to_owned()));
    }
}

#[test]
fn a_lab_file_with_a_mistake_makes_no_file() {
    let lab = Lab::with_file("[lab]\nflavour = \"lite\"\n");
    let ran = lab.run(&["compose"]);
    assert_eq!((ran.code(), ran.stdout().as_str()), (2, ""));
}
