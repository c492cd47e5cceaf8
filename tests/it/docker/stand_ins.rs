//! Images under the names of the published ones, made from what this machine has; see `tests/docker/stand-ins`.

use std::{fs::File, path::Path, process::Command};

use rustix::fs::{FlockOperation, flock};

use crate::support::skipped;

/// What the images are made from, and by.
const INGREDIENTS: [&str; 3] =
    ["/usr/share/java/zookeeper.jar", "/usr/bin/docker-registry", "/usr/bin/busybox"];

/// The images, while this lives. One test has them at a time, whichever process it is in.
pub struct StandIns {
    _turn: File,
}

impl StandIns {
    /// None where there is no engine, or not all that the images are made from.
    pub fn make() -> Option<Self> {
        if let Some(missing) = INGREDIENTS.iter().find(|path| !Path::new(path).exists()) {
            skipped(&format!("there is no {missing}"));
            return None;
        }
        let answers = Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success());
        if !answers {
            skipped("no engine answers to `docker info`");
            return None;
        }
        let turn = File::open(std::env::temp_dir()).expect("a directory");
        flock(&turn, FlockOperation::LockExclusive).expect("wait for its turn");
        let images = Self { _turn: turn };
        script(&["make", env!("CARGO_BIN_EXE_mesoslab")]);
        Some(images)
    }

    /// Whether the engine is allowed to start privileged containers; an engine within a container may not be.
    pub fn can_be_privileged(&self) -> bool {
        let mut command = Command::new("docker");
        command.args(["run", "--rm", "--network=none", "--privileged", "mesoslab-stand-in", "true"]);
        command.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        script(&["remove"]);
    }
}

fn script(args: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/stand-ins");
    let output = Command::new(path).args(args).output().expect("the script runs");
    let done = output.status.success() || std::thread::panicking();
    assert!(done, "stand-ins {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
