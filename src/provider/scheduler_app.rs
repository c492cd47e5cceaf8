//! Our scheduler as an app of Marathon: what `scheduler start` puts there, and `scheduler stop` takes away.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};

use crate::{client::zookeeper::ZooKeeperUrl, host::scheduler::Setup};

/// The app's id.
pub const ID: &str = "/mesoslab/scheduler";

/// How Marathon names the tasks of the app.
pub const TASK_PREFIX: &str = "mesoslab_scheduler.";

/// What the scheduler takes from its agent, beside what its tasks take.
const CPUS: f64 = 0.1;
const MEM: f64 = 64.0;

/// The app as a process on an agent of this machine. It listens where the lab says, so that its address stays when
/// Marathon starts it anew; its state is in ZooKeeper, ready before it starts.
pub fn of_process(binary: &Path, setup: &Setup, listen: SocketAddr) -> Value {
    let text = |path: &Path| path.display().to_string();
    let url = |url: Option<&ZooKeeperUrl>| url.map(ToString::to_string).unwrap_or_default();
    let args = json!([
        text(binary),
        "serve",
        "scheduler",
        "--master",
        url(setup.masters.zookeeper()),
        "--state",
        url(setup.keep_in.as_ref()),
        "--listen",
        listen.to_string(),
        "--work-dir",
        text(&setup.state_dir),
        "--executor-binary",
        text(binary),
    ]);
    with(app(&args), json!({ "healthChecks": [health_check(("port", listen.port()))] }))
}

/// The app as a container of this image in this network, which answers at `publish` on the engine's machine.
pub fn of_container(image: &str, network: &str, args: &[String], publish: SocketAddr, port: u16) -> Value {
    let parameter = |key: &str, value: String| json!({ "key": key, "value": value });
    let container = json!({
        "networks": [{ "mode": "container", "name": network }],
        "container": {
            "type": "DOCKER",
            "docker": {
                "image": image,
                "forcePullImage": true,
                "parameters": [
                    parameter("publish", format!("{publish}:{port}")),
                    parameter("network-alias", "scheduler".to_owned()),
                ],
            },
            "portMappings": [{ "containerPort": port, "name": "api" }],
        },
        "healthChecks": [health_check(("portIndex", 0))],
    });
    with(app(&json!(args)), container)
}

fn app(args: &Value) -> Value {
    json!({
        "id": ID,
        "args": args,
        "cpus": CPUS,
        "mem": MEM,
        "instances": 1,
        "backoffSeconds": 1,
        "maxLaunchDelaySeconds": 10,
        "taskKillGracePeriodSeconds": 5,
        // Two at once would take each other's framework over.
        "upgradeStrategy": { "minimumHealthCapacity": 0, "maximumOverCapacity": 0 },
        "labels": { "mesoslab": "scheduler" },
    })
}

/// Its API answers also while no master leads: that is no reason to start it anew.
fn health_check((at, port): (&str, u16)) -> Value {
    json!({
        "protocol": "HTTP",
        "path": "/v1/state",
        at: port,
        "gracePeriodSeconds": 10,
        // A deployment is done, and the app free for the next one, when it is healthy.
        "delaySeconds": 0,
        "intervalSeconds": 2,
        "timeoutSeconds": 3,
        "maxConsecutiveFailures": 3,
    })
}

fn with(mut app: Value, more: Value) -> Value {
    if let (Value::Object(app), Value::Object(more)) = (&mut app, more) {
        app.extend(more);
    }
    app
}
