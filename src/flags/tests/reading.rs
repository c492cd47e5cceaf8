//! How values are found: syntax, precedence, files, and problems, all of them at once.

use std::fs;

use crate::flags::{Component, Problems, given::Flags};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(line: &str, env: &[(&str, &str)]) -> Flags {
    Flags::read(Component::Agent, &words(line), &variables(env))
}

fn problems(line: &str, env: &[(&str, &str)]) -> Vec<String> {
    match read(line, env).finish(()) {
        Ok(()) => Vec::new(),
        Err(Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_value_follows_its_name_with_or_without_an_equals_sign() {
    for line in [
        "--work_dir=/a",
        "--work_dir /a",
        "--work-dir=/a",
        "--WORK_DIR=/a",
        "--port 1 --work_dir /a --strict",
    ] {
        assert_eq!(read(line, &[]).text("work_dir").as_deref(), Some("/a"), "{line}");
        assert_eq!(problems(line, &[]), [""; 0], "{line}");
    }
}

#[test]
fn a_switch_is_turned_on_by_its_name_and_off_by_no() {
    for (line, strict) in [
        ("", true),
        ("--strict", true),
        ("--strict=true --port=1", true),
        ("--strict=0", false),
        ("--no-strict", false),
        ("--no_strict", false),
        ("--no-strict=", false),
    ] {
        assert_eq!(read(line, &[]).is_set("strict"), strict, "{line}");
        assert_eq!(problems(line, &[]), [""; 0], "{line}");
    }
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_defaults() {
    let env = [("MESOS_PORT", "7"), ("MESOS_attributes", "rack:a"), ("MESOS_NATIVE_JAVA_LIBRARY", "/x.so")];
    let flags = read("--port=8", &env);
    assert_eq!(flags.whole::<u16>("port"), Some(8));
    assert_eq!(flags.text("attributes").as_deref(), Some("rack:a"));
    assert_eq!(read("", &env).whole::<u16>("port"), Some(7));
    assert_eq!(read("", &[]).whole::<u16>("port"), Some(5051));
    assert_eq!(problems("", &env), [""; 0]);
}

#[test]
fn a_variable_under_a_flag_is_not_looked_at() {
    assert_eq!(
        problems("--port=8 --launcher=posix", &[("MESOS_PORT", "x"), ("MESOS_LAUNCHER", "linux")]),
        [""; 0]
    );
}

#[test]
fn variables_that_images_set_for_themselves_do_no_harm() {
    let env =
        [("MESOS_VERSION", "1.7.1"), ("MESOS_SANDBOX", "/x"), ("MESOS_MODULES", ""), ("MESOS_LAUNCHER", "")];
    assert_eq!(problems("", &env), [""; 0]);
}

#[test]
fn a_value_may_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (port, variables) = (file("port", "77\n"), file("variables", r#"{"A": "b"}"#));
    let master = file("master", "10.0.0.1:5050\n");
    let line =
        format!("--port=file://{port} --executor_environment_variables={variables} --master=file://{master}");
    let flags = read(&line, &[]);
    assert_eq!(flags.whole::<u16>("port"), Some(77));
    assert_eq!(flags.json("executor_environment_variables").unwrap()["A"], "b");
    assert_eq!(flags.text("master").as_deref(), Some("10.0.0.1:5050"));
    assert_eq!(flags.shown()["master"], master, "a file with secrets is shown by its name");
    let gone = problems("--port=file:///not/there", &[]);
    assert!(gone[0].starts_with("`--port` names a file that cannot be read"), "{gone:?}");
}

#[test]
fn every_problem_is_told_with_its_flag() {
    let env = [("MESOS_CREDENTIAL", "/x"), ("MESOS_GC_DELAY", "1 week")];
    let found = problems(
        "--prot=1 --xyz yes --port=x --no-port --strict=maybe --strict more --launcher=linux --work_dir",
        &env,
    );
    assert_eq!(
        found,
        [
            "`--prot` is no flag of mesos-agent; did you mean `--port`?",
            "`--xyz` is no flag of mesos-agent",
            "`more` is no flag; flags begin with `--`",
            "`--port` cannot be read: Failed to convert into required type",
            "`--no-port` is given already, by `--port`",
            "`--strict` cannot be read: Expecting a boolean (e.g., true or false)",
            "`--strict` is given already, by `--strict`",
            "`--launcher` is supported as posix only: tasks are plain processes",
            "`--work_dir` wants a value: --work_dir=TEXT",
            "`MESOS_CREDENTIAL` is not supported: nobody is authenticated or authorized here; leave it out; \
             --allow_networks says who may connect",
            "`MESOS_GC_DELAY` cannot be read: Unknown duration unit ' week'; supported units are 'ns', 'us', 'ms', \
             'secs', 'mins', 'hrs', 'days', and 'weeks'",
        ]
    );
}

#[test]
fn a_refused_flag_may_be_asked_for_what_is_done_anyway() {
    let fits = "--launcher=posix --isolation=posix/cpu,posix/mem,filesystem/posix --containerizers=docker,mesos \
                --no-systemd_enable_support --authenticate_http_readonly=false";
    assert_eq!(problems(fits, &[]), [""; 0]);
    for other in ["--isolation=posix/cpu,cgroups/mem", "--containerizers=mesos,rkt"] {
        assert!(problems(other, &[])[0].contains(" only: "), "{other}");
    }
}

#[test]
fn no_and_a_value_do_not_go_together() {
    assert_eq!(problems("--no-strict=true", &[]), ["`--no-strict` takes no value, as `no-` says it all"]);
    assert_eq!(problems("--no-port", &[]), ["`--no-port` is no switch, so `no-` does not go with it"]);
}

#[test]
fn nothing_is_read_behind_two_dashes() {
    assert_eq!(problems("--port=1 -- --what ever", &[]), [""; 0]);
}

#[test]
fn former_names_are_the_same_flag() {
    let argv = words("--slave_ping_timeout=2secs --agent_ping_timeout=3secs");
    let Err(Problems(found)) = Flags::read(Component::Master, &argv, &[]).finish(()) else {
        panic!("two of one flag")
    };
    assert_eq!(found[0].to_string(), "`--agent_ping_timeout` is given already, by `--slave_ping_timeout`");
    let env = variables(&[("MESOS_SLAVE_PING_TIMEOUT", "2secs")]);
    let flags = Flags::read(Component::Master, &[], &env);
    assert_eq!(flags.shown()["agent_ping_timeout"], "2secs");
}
