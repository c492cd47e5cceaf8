//! Containers that clients launch: sessions, terminals, streams in and out, and what becomes of them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Lab, Wire, lab, until};
use crate::mesos::recordio;

/// A task to nest in, and the id of its container.
async fn lab_with_task(more: Value, command: &str) -> (Lab, Value) {
    let mut lab = lab(Wire::Channel).await;
    let task = lab.framework.task("t", command, more);
    lab.framework.launch(vec![task]).await;
    let running = lab.framework.state("TASK_RUNNING").await;
    let container_id = running["container_status"]["container_id"].clone();
    (lab, container_id)
}

fn nested(parent: &Value, name: &str) -> Value {
    json!({"value": name, "parent": parent})
}

fn session(container_id: &Value, command: &str, more: &Value) -> Value {
    let mut launch = json!({"container_id": container_id, "command": {"value": command}});
    if !more.is_null() {
        launch["container"] = more.clone();
    }
    json!({"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session": launch})
}

fn terminal(rows: u32, columns: u32) -> Value {
    json!({"type": "MESOS", "tty_info": {"window_size": {"rows": rows, "columns": columns}}})
}

fn data(text: &[u8]) -> Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    json!({"type": "DATA", "data": {"type": "STDIN", "data": BASE64_STANDARD.encode(text)}})
}

fn of_input(message: &Value) -> Bytes {
    let call = json!({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input":
        {"type": "PROCESS_IO", "process_io": message}});
    recordio::encode(call.to_string().as_bytes())
}

fn to_input(container_id: &Value) -> Bytes {
    let call = json!({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input":
        {"type": "CONTAINER_ID", "container_id": container_id}});
    recordio::encode(call.to_string().as_bytes())
}

/// What a process says, record by record.
struct Output {
    response: reqwest::Response,
    buffer: Vec<u8>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    /// Takes in more; false at the end.
    async fn more(&mut self) -> bool {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let Some(chunk) = self.response.chunk().await.unwrap() else { return false };
        self.buffer.extend_from_slice(&chunk);
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let length: usize = std::str::from_utf8(&self.buffer[..end]).unwrap().parse().unwrap();
            if self.buffer.len() <= end + length {
                break;
            }
            let record: Value = serde_json::from_slice(&self.buffer[end + 1..=end + length]).unwrap();
            self.buffer.drain(..=end + length);
            assert_eq!(record["type"], "DATA", "{record}");
            let piece = BASE64_STANDARD.decode(record["data"]["data"].as_str().unwrap()).unwrap();
            match record["data"]["type"].as_str() {
                Some("STDOUT") => self.stdout.extend(piece),
                _ => self.stderr.extend(piece),
            }
        }
        true
    }

    async fn read_all(mut self) -> (Vec<u8>, Vec<u8>) {
        let reading = async { while self.more().await {} };
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it never ended");
        (self.stdout, self.stderr)
    }

    /// Reads until it has said this; what it said.
    async fn says(&mut self, text: &str) -> String {
        let reading = async {
            while !String::from_utf8_lossy(&self.stdout).contains(text) {
                assert!(
                    self.more().await,
                    "ended without `{text}`: {}",
                    String::from_utf8_lossy(&self.stdout)
                );
            }
        };
        let said = tokio::time::timeout(Duration::from_secs(30), reading).await;
        let all = String::from_utf8_lossy(&self.stdout).into_owned();
        said.unwrap_or_else(|_| panic!("no `{text}` in `{all}`"));
        all
    }
}

impl Lab {
    fn call(&self, call: &Value) -> reqwest::RequestBuilder {
        let url = format!("http://{}/api/v1", self.agent.endpoint());
        self.framework.http.post(url).header("Content-Type", "application/json").body(call.to_string())
    }

    async fn ask(&self, call: Value) -> (u16, String) {
        let response = self.call(&call).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn open(&self, call: Value) -> Output {
        let response = self.call(&call).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Output { response, buffer: Vec::new(), stdout: Vec::new(), stderr: Vec::new() }
    }

    /// The status with which a container ends.
    async fn status_of(&self, container_id: &Value) -> Value {
        let wait = json!({"type": "WAIT_CONTAINER", "wait_container": {"container_id": container_id}});
        let (status, text) = self.ask(wait).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["wait_container"]["exit_status"].clone()
    }

    /// A request that sends records as they come; its answer.
    fn input(&self, records: mpsc::Receiver<Bytes>) -> impl Future<Output = (u16, String)> + use<> {
        let body = stream::unfold(records, async |mut records| {
            records.recv().await.map(|record| (Ok::<_, std::io::Error>(record), records))
        });
        let url = format!("http://{}/api/v1", self.agent.endpoint());
        let request = self.framework.http.post(url).header("Content-Type", "application/recordio");
        let request = request.header("Message-Content-Type", "application/json");
        let sent = request.body(reqwest::Body::wrap_stream(body)).send();
        async {
            let response = sent.await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    }

    async fn input_of(&self, records: Vec<Bytes>) -> (u16, String) {
        let (sender, receiver) = mpsc::channel(records.len().max(1));
        for record in records {
            sender.send(record).await.unwrap();
        }
        drop(sender);
        self.input(receiver).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_what_it_says_and_ends_as_it_ends() {
    let (lab, task) = lab_with_task(json!({}), "export SECRET=1; sleep 1000").await;
    let id = nested(&task, "s");
    let call = session(&id, "pwd; echo $MESOS_TASK_ID; echo bad >&2; exit 3", &Value::Null);
    let (stdout, stderr) = lab.open(call).await.read_all().await;
    let sandbox = lab.agent.with(|agent| {
        let executors = agent.frameworks.values().flat_map(|framework| framework.executors.values());
        executors.map(|executor| executor.directory.clone()).next().unwrap()
    });
    assert_eq!(String::from_utf8(stdout).unwrap(), format!("{sandbox}\nt\n"), "in the place of its task");
    assert_eq!(stderr, b"bad\n");
    assert_eq!(lab.status_of(&id).await, 768);
    let own = format!("{sandbox}/containers/s");
    assert_eq!(std::fs::read_to_string(format!("{own}/stderr")).unwrap(), "bad\n");
    let remove = json!({"type": "REMOVE_CONTAINER", "remove_container": {"container_id": id}});
    assert_eq!(lab.ask(remove).await, (200, String::new()));
    assert!(!std::path::Path::new(&own).exists());
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out_whatever_its_size() {
    let (lab, task) = lab_with_task(json!({}), "sleep 1000").await;
    let id = nested(&task, "s");
    let output = lab.open(session(&id, "cat", &Value::Null)).await;
    let (records, receiver) = mpsc::channel(1);
    let (answered, input) = (lab.input(receiver), to_input(&id));
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let feeding = async {
        records.send(input).await.unwrap();
        for piece in sent.chunks(50_000) {
            records.send(of_input(&data(piece))).await.unwrap();
        }
        records.send(of_input(&data(b""))).await.unwrap();
        drop(records);
    };
    let (((), answer), (stdout, _)) =
        tokio::join!(async { tokio::join!(feeding, answered) }, output.read_all());
    assert_eq!(answer, (200, String::new()));
    assert!(stdout == sent, "{} bytes came back", stdout.len());
    assert_eq!(lab.status_of(&id).await, 0);
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_a_size_and_takes_control_characters() {
    let (lab, task) = lab_with_task(json!({}), "sleep 1000").await;
    let id = nested(&task, "s");
    let script = "trap 'echo interrupted; exit 7' INT; stty size; tty; \
        read go; stty size; echo again; while :; do sleep 0.01; done";
    let mut output = lab.open(session(&id, script, &terminal(24, 80))).await;
    assert!(output.says("/dev/").await.starts_with("24 80\r\n"));
    let (records, receiver) = mpsc::channel(8);
    let answered = tokio::join!(lab.input(receiver), async {
        records.send(to_input(&id)).await.unwrap();
        let resize = json!({"type": "CONTROL", "control": {"type": "TTY_INFO",
            "tty_info": {"window_size": {"rows": 40, "columns": 120}}}});
        records.send(of_input(&resize)).await.unwrap();
        records.send(of_input(&data(b"\n"))).await.unwrap();
        assert!(output.says("again").await.contains("40 120"));
        records.send(of_input(&data(b"\x03"))).await.unwrap();
        output.says("interrupted").await;
        while output.more().await {}
        drop(records);
    });
    assert_eq!(answered.0, (200, String::new()));
    assert_eq!(lab.status_of(&id).await, 7 << 8);
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_connection_and_with_its_task() {
    let (lab, task) = lab_with_task(json!({}), "exec sleep 1000").await;
    let first = nested(&task, "first");
    let mut output = lab.open(session(&first, "echo here; sleep 1000; true", &Value::Null)).await;
    output.says("here").await;
    drop(output);
    assert_eq!(lab.status_of(&first).await, 9);
    let second = nested(&task, "second");
    let mut output = lab.open(session(&second, "echo here; sleep 1000; true", &Value::Null)).await;
    output.says("here").await;
    lab.framework.kill("t").await;
    output.read_all().await;
    until(|| lab.processes() == 0).await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_reads_slowly_makes_it_remember() {
    let (lab, task) = lab_with_task(json!({}), "sleep 1000").await;
    let id = nested(&task, "s");
    let mut output = lab.open(session(&id, "yes | head -c 30000000; echo done >&2", &Value::Null)).await;
    output.says("y").await;
    let sandbox = lab.agent.with(|agent| agent.guests.containers.values().next().unwrap().directory.clone());
    let written = || std::fs::metadata(format!("{sandbox}/stdout")).unwrap().len();
    let before = written();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(written() < 29_000_000 && before > 0, "{} bytes", written());
    let (stdout, stderr) = output.read_all().await;
    assert_eq!((stdout.len(), stderr.as_slice()), (30_000_000, b"done\n".as_slice()));
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_a_terminal_can_be_attached_to() {
    let script = "stty size; while read line; do echo \"got $line\"; done";
    let (lab, task) = lab_with_task(json!({"container": terminal(10, 20)}), script).await;
    let attach =
        json!({"type": "ATTACH_CONTAINER_OUTPUT", "attach_container_output": {"container_id": task}});
    let mut output = lab.open(attach).await;
    let (records, receiver) = mpsc::channel(8);
    let (other, taken) = (lab.input_of(vec![to_input(&task)]), lab.input(receiver));
    let (answer, ()) = tokio::join!(taken, async {
        records.send(to_input(&task)).await.unwrap();
        records.send(of_input(&data(b"me\n"))).await.unwrap();
        output.says("got me").await;
        let refused = other.await;
        assert_eq!(refused, (409, "Multiple input connections are not allowed".to_owned()));
        lab.framework.kill("t").await;
        while output.more().await {}
        drop(records);
    });
    assert_eq!(answer.0, 200);
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_can_stand_alone() {
    let (lab, _) = lab_with_task(json!({}), "sleep 1000").await;
    let id = json!({"value": "alone"});
    let cpus = json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}});
    let launch = json!({"type": "LAUNCH_CONTAINER", "launch_container": {"container_id": id,
        "command": {"value": "echo $MESOS_SANDBOX; sleep 1000"}, "resources": [cpus]}});
    assert_eq!(lab.ask(launch.clone()).await, (200, String::new()));
    assert_eq!(lab.ask(launch).await, (202, String::new()));
    let listed = async |asked: Value| {
        let (_, text) = lab.ask(json!({"type": "GET_CONTAINERS", "get_containers": asked})).await;
        let all: Value = serde_json::from_str(&text).unwrap();
        all["get_containers"]["containers"].as_array().unwrap().clone()
    };
    assert_eq!(listed(json!({"show_nested": true})).await.len(), 1);
    let shown = listed(json!({"show_standalone": true})).await;
    assert_eq!(shown[1]["container_id"], id);
    assert!(shown[1]["container_status"]["executor_pid"].as_u64().unwrap() > 1, "{shown:?}");
    let child = nested(&id, "child");
    let launch = json!({"type": "LAUNCH_NESTED_CONTAINER", "launch_nested_container":
        {"container_id": child, "command": {"value": "exec sleep 1000"}}});
    assert_eq!(lab.ask(launch).await.0, 200);
    assert_eq!(listed(json!({"show_nested": true, "show_standalone": true})).await.len(), 3);
    let kill = json!({"type": "KILL_CONTAINER", "kill_container": {"container_id": child, "signal": 15}});
    let (ended, killed) = tokio::join!(lab.status_of(&child), async {
        tokio::task::yield_now().await;
        lab.ask(kill).await
    });
    assert_eq!((ended, killed.0), (json!(15), 200));
    let kill = json!({"type": "KILL_CONTAINER", "kill_container": {"container_id": id}});
    assert_eq!(lab.ask(kill).await.0, 200);
    until(|| lab.agent.with(|agent| agent.guests.containers.is_empty())).await;
    let sandbox = lab.directory.path().join("containers/alone");
    let said = std::fs::read_to_string(sandbox.join("stdout")).unwrap();
    assert_eq!(said, format!("{}\n", sandbox.display()));
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_as_mesos_refuses_it() {
    let (lab, task) = lab_with_task(json!({}), "sleep 1000").await;
    let id = nested(&task, "s");
    let attach = |id: &Value| json!({"type": "ATTACH_CONTAINER_OUTPUT", "attach_container_output": {"container_id": id}});
    let unplugged = "I/O switchboard server was disabled for this container";
    assert_eq!(lab.ask(attach(&task)).await, (500, unplugged.to_owned()));
    let name = format!("{}.s", task["value"].as_str().unwrap());
    assert_eq!(lab.ask(attach(&id)).await, (500, format!("Unknown container {name}")));
    let alone = json!({"value": "zz"});
    assert_eq!(lab.ask(attach(&alone)).await, (404, "Container zz cannot be found".to_owned()));
    let wait = json!({"type": "WAIT_CONTAINER", "wait_container": {"container_id": alone}});
    assert_eq!(lab.ask(wait).await, (404, "Container zz cannot be found".to_owned()));
    assert_eq!(lab.input_of(vec![]).await, (400, "Received EOF while reading request body".to_owned()));
    let nonsense = lab.input_of(vec![Bytes::from_static(b"abc\n{}")]).await;
    let text = "Decoder failure: Failed to decode length 'abc': Failed to convert 'abc' to number";
    assert_eq!(nonsense, (500, text.to_owned()));
    let other = recordio::encode(br#"{"type": "GET_STATE"}"#);
    let text = "Streaming 'Content-Type' application/recordio is not supported for GET_STATE call";
    assert_eq!(lab.input_of(vec![other]).await, (415, text.to_owned()));
    let early = lab.input_of(vec![of_input(&data(b"x"))]).await;
    assert_eq!(early, (400, "Expecting 'attach_container_input.type' to be CONTAINER_ID".to_owned()));
    let mut output = lab.open(session(&id, "echo here; sleep 1000; true", &Value::Null)).await;
    output.says("here").await;
    for (message, text) in [
        (json!({}), "Expecting 'process_io.type' to be present"),
        (json!({"type": "DATA"}), "Expecting 'process_io.data' to be present"),
        (
            json!({"type": "DATA", "data": {"type": "STDOUT", "data": ""}}),
            "Expecting 'process_io.data.type' to be 'STDIN'",
        ),
        (
            json!({"type": "CONTROL", "control": {"type": "TTY_INFO"}}),
            "Expecting 'process_io.control.tty_info' to be present",
        ),
        (
            json!({"type": "CONTROL", "control": {"type": "TTY_INFO",
            "tty_info": {"window_size": {"rows": 1, "columns": 1}}}}),
            "Unable to set the window size: Inappropriate ioctl for device",
        ),
    ] {
        let refused = lab.input_of(vec![to_input(&id), of_input(&message)]).await;
        assert_eq!(refused, (400, text.to_owned()), "{message}");
    }
    let as_json = lab
        .ask(json!({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input":
        {"type": "CONTAINER_ID", "container_id": id}}))
        .await;
    let text = "Expecting 'Content-Type' to be application/recordio for ATTACH_CONTAINER_INPUT call";
    assert_eq!(as_json, (415, text.to_owned()));
    drop(output);
    lab.down().await;
}
