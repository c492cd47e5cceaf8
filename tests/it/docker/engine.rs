//! The engine of this machine, where there is one, and one that says what it is told to.

use std::{
    collections::{HashMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bollard::query_parameters::ListImagesOptionsBuilder;
use futures_util::FutureExt;
use mesoslab::{client::docker::Engine, runtime};

use crate::support::skipped;

/// Runs `work` with the engine of this machine and with a prefix for images of the test's own, which are removed then.
pub fn with_engine(test: &str, work: impl AsyncFnOnce(&Engine, &str)) {
    let prefix = format!("mesoslab-test-{}/{test}", std::process::id());
    let done = runtime::block_on(async {
        let engine = match Engine::connect().await {
            Ok(engine) => engine,
            Err(error) => return skipped(&error.to_string()),
        };
        let ended = AssertUnwindSafe(work(&engine, &prefix)).catch_unwind().await;
        remove(&engine, &prefix).await;
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
    });
    done.expect("a runtime");
}

/// By their names: what they are made of goes with the last of them.
async fn remove(engine: &Engine, prefix: &str) {
    let filters = HashMap::from([("reference", vec![format!("{prefix}/*")])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    let images = engine.api().list_images(Some(options)).await.expect("images");
    for name in images.iter().flat_map(|image| &image.repo_tags) {
        engine.remove_image(name).await.expect("removed");
    }
}

/// An answer: the part of the path that it belongs to, its status and its body.
pub type Answer = (&'static str, u16, &'static str);

/// An engine that gives each answer once, to the first request that it fits, and 404 to all others.
pub struct Fake {
    _home: tempfile::TempDir,
    pub socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

const VERSION: &str = r#"{"Version": "20.10", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}"#;

impl Fake {
    pub fn new(answers: &[Answer]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let socket = home.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, heard) = (VecDeque::from(answers.to_vec()), asked.clone());
        let serve = move || serve(&listener, answers, &heard);
        runtime::thread("engine", serve).expect("a thread");
        Self { _home: home, socket, asked }
    }

    /// The heads of the requests.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }

    /// `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

fn serve(listener: &UnixListener, mut answers: VecDeque<Answer>, asked: &Mutex<Vec<String>>) {
    for stream in listener.incoming().map_while(Result::ok) {
        let head = request(&stream);
        let line = head.lines().next().unwrap_or_default().to_owned();
        asked.lock().expect("a lock").push(head);
        let at = answers.iter().position(|(path, ..)| line.contains(path));
        let (status, body) = match at.and_then(|at| answers.remove(at)) {
            Some((_, status, body)) => (status, body),
            None if line.contains("/version") => (200, VERSION),
            None => (404, r#"{"message": "No such image: asked for"}"#),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        // Whoever asked may be gone.
        let _ = (&stream).write_all(answer.as_bytes());
    }
}

/// The head of a request, when all of its body is read too.
fn request(stream: &UnixStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<u64>().ok());
    if lower.contains("transfer-encoding: chunked") {
        chunks(&mut reader);
    } else {
        let mut body = Vec::new();
        let _ = reader.take(length.unwrap_or_default()).read_to_end(&mut body);
    }
    head
}

fn chunks(reader: &mut impl BufRead) {
    loop {
        let mut size = String::new();
        if reader.read_line(&mut size).is_err() {
            return;
        }
        let bytes = u64::from_str_radix(size.trim(), 16).unwrap_or_default();
        let mut chunk = Vec::new();
        let _ = reader.take(bytes + 2).read_to_end(&mut chunk);
        if bytes == 0 {
            return;
        }
    }
}
