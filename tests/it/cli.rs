//! The command line: what it accepts, what it refuses, and with which code.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Stdio,
};

use crate::support::{Lab, eventually};

#[test]
fn wrong_usage_is_2_with_a_suggestion() {
    let lab = Lab::new();
    let flag = lab.run(&["up", "--agent", "3"]);
    assert_eq!(flag.code(), 2);
    assert!(flag.stderr().contains("--agents"), "{}", flag.stderr());
    let command = lab.run(&["scal", "3"]);
    assert_eq!(command.code(), 2);
    assert!(command.stderr().contains("scale"), "{}", command.stderr());
    for count in ["-1", "abc", "1.5", ""] {
        assert_eq!(lab.run(&["scale", count]).code(), 2, "scale {count:?}");
    }
    assert_eq!(lab.run(&["up", "--agents", "0"]).code(), 2);
    assert_eq!(lab.run(&["status", "--name", "No Name"]).code(), 2);
}

#[test]
fn a_lab_that_is_not_there_is_4_and_says_how_to_start_it() {
    let lab = Lab::new();
    for args in [&["status"][..], &["tasks"], &["scale", "1"], &["logs"], &["down"], &["env"], &["explain"]] {
        let ran = lab.run(args);
        assert_eq!(ran.code(), 4, "{args:?}: {}", ran.stderr());
        assert!(ran.stderr().contains("hint: mesoslab up --name test"), "{args:?}: {}", ran.stderr());
    }
}

#[test]
fn a_lab_file_with_three_mistakes_reports_all_three() {
    let lab = Lab::with_file(
        "[lab]\nnaem = \"x\"\n[[agents]]\nresources = 4\n[scheduler]\ncpus = \"many\"\n[ports]\n",
    );
    let up = lab.run(&["up"]);
    assert_eq!(up.code(), 2);
    for part in
        ["3 mistakes", "mesoslab.toml:2:", "did you mean `name`?", "mesoslab.toml:4:", "mesoslab.toml:6:"]
    {
        assert!(up.stderr().contains(part), "{part} in\n{}", up.stderr());
    }
}

#[test]
fn init_writes_a_lab_file_that_parses_and_never_overwrites() {
    let lab = Lab::new();
    lab.ok(&["init", "new.toml"]);
    assert_eq!(lab.run(&["init", "new.toml"]).code(), 1);
    lab.ok(&["init", "new.toml", "--force"]);
    let doctor = lab.run(&["doctor", "--file", "new.toml", "-o", "json"]);
    assert!(doctor.stdout().contains("\"lab file\""), "{}", doctor.stdout());
}

#[test]
fn completions_and_manual_pages_are_made() {
    let lab = Lab::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(lab.ok(&["completions", shell]).stdout().contains("mesoslab"), "{shell}");
    }
    assert!(lab.ok(&["man"]).stdout().contains(".TH mesoslab"));
    lab.ok(&["man", "pages"]);
    assert!(lab.path().join("pages/mesoslab-up.1").exists());
}

#[test]
fn every_command_has_help() {
    let lab = Lab::new();
    let help = lab.ok(&["help"]).stdout();
    for line in
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty())
    {
        let command = line.split_whitespace().next().expect("a name");
        assert!(line.split_whitespace().count() > 2, "`{command}` says what it does");
        assert!(lab.ok(&["help", command]).stdout().contains("Usage"), "{command}");
    }
}

#[test]
fn a_closed_pipe_is_success() {
    let lab = Lab::new();
    let mut shell = std::process::Command::new("sh");
    let line = format!(
        "{} completions bash | head -n 1; test \"${{PIPESTATUS:-0}}\" = 0",
        env!("CARGO_BIN_EXE_mesoslab")
    );
    assert!(shell.args(["-c", &line]).current_dir(lab.path()).output().expect("sh").status.success());
}

#[test]
fn the_environment_prints_for_shells() {
    let lab = Lab::new().up(&[]);
    let sh = lab.ok(&["env"]).stdout();
    assert!(sh.contains("export MESOS_MASTER='127.0.0.1:"), "{sh}");
    assert!(lab.ok(&["env", "--fish"]).stdout().contains("set -gx MESOS_MASTER"));
    assert!(lab.ok(&["env", "--unset"]).stdout().contains("unset MESOS_MASTER"));
}

#[test]
fn a_scheduler_listens_on_loopback_only_and_says_why() {
    let lab = Lab::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let ran = lab.run(&["serve", "scheduler", "--master", "http://127.0.0.1:1", "--listen", address]);
        assert_eq!(ran.code(), 2, "{address}: {}", ran.stderr());
        assert!(ran.stderr().contains("loopback addresses only"), "{}", ran.stderr());
    }
}

/// Refuses so many subscriptions, as a master that is not elected does.
fn refuse(listener: &TcpListener, count: usize) {
    listener.set_nonblocking(true).expect("a listener");
    for _ in 0..count {
        let mut peer = None;
        eventually("a subscription", || {
            peer = listener.accept().ok();
            peer.is_some()
        });
        let (mut peer, _) = peer.expect("a subscription");
        let mut request = BufReader::new(peer.try_clone().expect("a socket"));
        let mut length = 0;
        loop {
            let mut line = String::new();
            request.read_line(&mut line).expect("a line");
            let line = line.trim().to_lowercase();
            length = line.strip_prefix("content-length: ").map_or(length, |n| n.parse().expect("a length"));
            if line.is_empty() {
                break;
            }
        }
        request.read_exact(&mut vec![0; length]).expect("a call");
        let refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        peer.write_all(refusal).expect("answer");
    }
}

#[test]
fn a_scheduler_without_a_master_is_not_announced_as_running() {
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let master = format!("http://{}", listener.local_addr().expect("an address"));
    let args = ["serve", "scheduler", "--master", &master, "--listen", "127.0.0.1:0"];
    let child = lab.command(&args).stderr(Stdio::piped()).spawn().expect("spawn");
    refuse(&listener, 4);
    let pid = rustix::process::Pid::from_raw(child.id() as i32).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("interrupt");
    let ended = child.wait_with_output().expect("exit");
    let text = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{text}");
    assert!(text.contains(&format!("connecting to {master}")), "{text}");
    assert!(!text.contains('\u{2713}'), "{text}");
    assert_eq!(text.matches("is not subscribed").count(), 1, "the same problem is told once: {text}");
}
