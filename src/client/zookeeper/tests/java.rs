//! Apache's ZooKeeper, as Debian packages it, with a port and a directory of its own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

const JARS: &str = "/usr/share/java/zookeeper.jar";

/// A server that dies with the test.
pub struct Java {
    child: Child,
    directory: TempDir,
    pub address: String,
}

impl Java {
    /// None, with the reason told, where there is no such server on this machine.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
    pub async fn start() -> Option<Self> {
        if !Path::new(JARS).exists() || Command::new("java").arg("-version").output().is_err() {
            eprintln!("skipped: this machine has no Java or no `{JARS}` (Debian: libzookeeper-java)");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "tickTime=200\nminSessionTimeout=400\nmaxSessionTimeout=60000\ndataDir={}\nclientPort={port}\n\
             clientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=*\n",
            directory.path().display(),
        );
        fs::write(directory.path().join("zoo.cfg"), config).unwrap();
        let child = spawn(directory.path());
        let server = Self { child, directory, address: format!("127.0.0.1:{port}") };
        server.answers().await;
        Some(server)
    }

    /// Waits until it takes connections.
    async fn answers(&self) {
        while tokio::net::TcpStream::connect(&self.address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as a broken machine would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub async fn revive(&mut self) {
        self.child = spawn(self.directory.path());
        self.answers().await;
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        let _dead_already = self.child.kill();
        let _dead_already = self.child.wait();
    }
}

fn spawn(directory: &Path) -> Child {
    let config: PathBuf = directory.join("zoo.cfg");
    Command::new("java")
        .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", "/usr/share/java/*"])
        .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
