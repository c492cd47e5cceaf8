//! `mesoslab exec` and `attach` in pipes, on a real lab.

use std::{
    io::{Read, Write},
    process::Stdio,
};

use crate::support::{Lab, eventually};

#[test]
fn a_command_runs_where_its_task_does_and_hands_its_code_on() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let [task] = &lab.running()[..] else { panic!("one task") };
    let ran = lab.run(&["exec", "mesoslab.0", "sh", "-c", "echo $MESOS_TASK_ID; echo bad >&2; exit 7"]);
    assert_eq!((ran.code(), ran.stdout().trim(), ran.stderr().trim()), (7, task.as_str(), "bad"));
    assert_eq!(lab.run(&["exec", task, "sh", "-c", "kill -KILL $$"]).code(), 137);
    // As programs do that close their streams before they end.
    let silent = lab.run(&["exec", task, "sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 7"]);
    assert_eq!(silent.code(), 7, "{}", silent.stderr());
    let missing = lab.run(&["exec", task, "no-such-program"]);
    assert_eq!(missing.code(), 1);
    assert!(missing.stderr().contains("Failed to execute command: No such file"), "{}", missing.stderr());
    let nobody = lab.run(&["exec", "nobody", "true"]);
    assert!(nobody.stderr().contains("there is no task `nobody`"), "{}", nobody.stderr());
    let piped = lab.run(&["exec", "-it", task, "sh"]);
    assert_eq!(piped.code(), 2, "stdin is no terminal");
    lab.ok(&["down"]);
    assert!(lab.task_processes().is_empty() && lab.lab_processes().is_empty());
}

#[test]
fn what_goes_through_a_pipe_comes_back_as_it_was() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut command = lab.command(&["exec", "-i", "mesoslab.0", "cat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 253) as u8).collect();
    let (mut stdin, mut stdout) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
    let bytes = sent.clone();
    mesoslab::runtime::thread("sender", move || stdin.write_all(&bytes).expect("it reads"))
        .expect("a thread");
    let mut back = Vec::new();
    stdout.read_to_end(&mut back).expect("it ends");
    assert!(back == sent, "{} bytes came back", back.len());
    assert!(child.wait().expect("it ends").success());
    let quiet = lab.run(&["exec", "mesoslab.0", "sh", "-c", "cat; echo over"]);
    assert_eq!(quiet.stdout(), "over\n", "without -i nothing goes in");
}

#[test]
fn a_client_that_dies_takes_its_command_along_and_a_task_its_clients() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let before = lab.task_processes().len();
    let start = || {
        let mut command = lab.command(&["exec", "mesoslab.0", "sh", "-c", "echo here; sleep 1000; true"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut here = [0; 5];
        child.stdout.as_mut().expect("stdout").read_exact(&mut here).expect("it runs");
        child
    };
    let mut child = start();
    assert!(lab.task_processes().len() > before);
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
    eventually("the command is gone", || lab.task_processes().len() == before);
    let mut child = start();
    lab.ok(&["kill", "mesoslab.0"]);
    assert_eq!(child.wait().expect("it ends").code(), Some(137));
}

#[test]
fn what_a_task_without_a_terminal_says_is_followed() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut command = lab.command(&["attach", "mesoslab.0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut begin = [0; 5];
    child.stdout.as_mut().expect("stdout").read_exact(&mut begin).expect("it says something");
    assert_eq!(&begin, b"task ");
    lab.ok(&["scale", "0"]);
    assert!(child.wait().expect("it ends").success());
    lab.ok(&["scale", "1"]);
    let typed = lab.run(&["attach", "-i", "mesoslab.0"]);
    assert_eq!(typed.code(), 1);
    assert!(typed.stderr().contains("has no terminal"), "{}", typed.stderr());
}
