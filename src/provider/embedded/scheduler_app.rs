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

/// The app. It listens where the lab says, so that its address stays when Marathon starts it anew; its state is in
/// ZooKeeper, ready before it starts.
pub fn app(binary: &Path, setup: &Setup, listen: SocketAddr) -> Value {
    let text = |path: &Path| path.display().to_string();
    let url = |url: Option<&ZooKeeperUrl>| url.map(ToString::to_string).unwrap_or_default();
    json!({
        "id": ID,
        "args": [
            text(binary), "serve", "scheduler",
            "--master", url(setup.masters.zookeeper()), "--state", url(setup.keep_in.as_ref()),
            "--listen", listen.to_string(), "--work-dir", text(&setup.state_dir),
        ],
        "cpus": CPUS,
        "mem": MEM,
        "instances": 1,
        "backoffSeconds": 1,
        "maxLaunchDelaySeconds": 10,
        "taskKillGracePeriodSeconds": 5,
        // Two at once would take each other's framework over.
        "upgradeStrategy": { "minimumHealthCapacity": 0, "maximumOverCapacity": 0 },
        // Its API answers also while no master leads: that is no reason to start it anew.
        "healthChecks": [{
            "protocol": "HTTP",
            "path": "/v1/state",
            "port": listen.port(),
            "gracePeriodSeconds": 10,
            // A deployment is done, and the app free for the next one, when it is healthy.
            "delaySeconds": 0,
            "intervalSeconds": 2,
            "timeoutSeconds": 3,
            "maxConsecutiveFailures": 3,
        }],
        "labels": { "mesoslab": "scheduler" },
    })
}
