//! A web server of a test, on a free port: what it has, and what it was asked for.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use mesoslab::runtime::Tasks;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

type Files = BTreeMap<&'static str, Vec<u8>>;

pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    tasks: Tasks,
}

impl Server {
    /// Serves these files, and 404 for all others.
    pub async fn start(files: Files) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let (address, files) = (listener.local_addr().expect("an address"), Arc::new(files));
        let (asked, tasks) = (Arc::<Mutex<Vec<String>>>::default(), Tasks::new());
        let (log, connections) = (Arc::clone(&asked), tasks.clone());
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, Arc::clone(&files), Arc::clone(&log)));
            }
        });
        Self { address, asked, tasks }
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// How often a file was asked for, not counting questions about its length.
    pub fn gets(&self, name: &str) -> usize {
        let wanted = format!("GET /{name} ");
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|line| line.starts_with(&wanted)).count()
    }

    pub async fn stop(self) {
        self.tasks.stop().await;
    }
}

/// One request; the connection ends with it.
async fn answer(mut stream: TcpStream, files: Arc<Files>, log: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    let (method, name) = line.split_once(" /").expect("a request line");
    let file = files.get(name.split(' ').next().unwrap_or_default());
    let (status, body) = file.map_or(("404 Not Found", [].as_slice()), |body| ("200 OK", body));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let body = if method == "HEAD" { [].as_slice() } else { body };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
    // Whoever asks may be killed meanwhile.
    let _gone = stream.write_all(&[head.as_bytes(), body].concat()).await;
}
