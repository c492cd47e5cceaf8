//! A ZooKeeper as a process of its own: ours, or that of Apache, as Debian packages it.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{process::Process, site::Site};
use crate::support::{eventually, skipped};

const JAR: &str = "/usr/share/java/zookeeper.jar";

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Ours,
    Apache,
}

pub struct Zoo {
    kind: Kind,
    process: Process,
    directory: PathBuf,
    pub address: SocketAddr,
}

impl Zoo {
    /// None, with the reason told, where there is no such server on this machine.
    pub fn start(site: &Site, kind: Kind) -> Option<Self> {
        let has_java = || Path::new(JAR).exists() && Command::new("java").arg("-version").output().is_ok();
        if matches!(kind, Kind::Apache) && !has_java() {
            skipped(&format!("there is no Java or no `{JAR}` (Debian: libzookeeper-java)"));
            return None;
        }
        let directory = site.dir("zookeeper");
        fs::create_dir_all(&directory).expect("a directory");
        let address = TcpListener::bind((site.host().ip, 0)).and_then(|it| it.local_addr()).expect("a port");
        let config = format!(
            "tickTime=200\nminSessionTimeout=400\nmaxSessionTimeout=60000\ndataDir={}\nclientPort={}\n\
             clientPortAddress={}\nadmin.enableServer=false\n",
            directory.display(),
            address.port(),
            address.ip(),
        );
        fs::write(directory.join("zoo.cfg"), config).expect("write the configuration");
        let process = spawn(site, &directory, kind, address);
        let zoo = Self { kind, process, directory, address };
        zoo.answers();
        Some(zoo)
    }

    fn answers(&self) {
        eventually("ZooKeeper answers", || TcpStream::connect(self.address).is_ok());
    }

    /// Where masters elect their leader.
    pub fn url(&self) -> String {
        format!("zk://{}/mesos", self.address)
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again where it was.
    pub fn revive(&mut self, site: &Site) {
        self.process = spawn(site, &self.directory, self.kind, self.address);
        self.answers();
    }
}

fn spawn(site: &Site, directory: &Path, kind: Kind, address: SocketAddr) -> Process {
    if let Kind::Ours = kind {
        let line = ["serve", "zookeeper", "--tick-time=200ms"].map(str::to_owned);
        let place = [format!("--listen={address}"), format!("--data-dir={}", directory.display())];
        return site.spawn(&site.host(), "zookeeper", &[line.to_vec(), place.to_vec()].concat());
    }
    let mut command = Command::new("java");
    command
        .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", "/usr/share/java/*"])
        .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
        .arg(directory.join("zoo.cfg"))
        .stdin(Stdio::null());
    Process::spawn("zookeeper", command, site.dir("zookeeper.log"))
}
