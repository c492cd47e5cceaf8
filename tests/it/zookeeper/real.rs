//! Debian's ZooKeeper with a configuration, a directory and a port of its own.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
};

use crate::support::skipped;

const JAR: &str = "/usr/share/java/zookeeper.jar";

/// A real server; it ends with this.
pub struct Real {
    pub address: SocketAddr,
    _process: Child,
    _dir: TempDir,
}

/// Asks with four letters.
pub async fn ask(address: SocketAddr, word: &str) -> std::io::Result<String> {
    // A port that nobody listens on yet can be connected to itself.
    tokio::time::timeout(Duration::from_secs(5), answer(address, word)).await?
}

async fn answer(address: SocketAddr, word: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(word.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Waits until a server answers.
pub async fn ready(address: SocketAddr) {
    for _ in 0..600 {
        // The real one says `imok` before it serves.
        if ask(address, "srvr").await.is_ok_and(|answer| answer.contains("Mode: ")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no ZooKeeper at {address} after 30 s");
}

impl Real {
    /// None where there is none.
    pub async fn start() -> Option<Self> {
        if !Path::new(JAR).exists() {
            skipped("there is no Debian package `zookeeper`");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = dir.path().join("zoo.cfg");
        let text = format!(
            "tickTime=2000\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n\
             4lw.commands.whitelist=*\nadmin.enableServer=false\n",
            dir.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let process = Command::new("java")
            .args(["-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=3600000"])
            .args(["-Dzookeeper.forceSync=no", "-Xmx256m", "-cp", "/usr/share/java/*"])
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let Ok(process) = process else {
            skipped("there is no java");
            return None;
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        ready(address).await;
        Some(Self { address, _process: process, _dir: dir })
    }
}
