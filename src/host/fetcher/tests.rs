//! The fetcher with files and a small server of its own.

use std::{sync::atomic::AtomicUsize, time::Duration};

use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::runtime::Tasks;

/// Answers requests for `/NAME` with the name; counts the GETs.
struct Server {
    address: std::net::SocketAddr,
    gets: Arc<AtomicUsize>,
    tasks: Tasks,
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, gets, tasks) =
        (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)), Tasks::new());
    let (counter, connections) = (Arc::clone(&gets), tasks.clone());
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer(stream, Arc::clone(&counter)));
        }
    });
    Server { address, gets, tasks }
}

async fn answer(mut stream: TcpStream, gets: Arc<AtomicUsize>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).unwrap();
    let (method, rest) = request.split_once(" /").unwrap();
    let name = rest.split(' ').next().unwrap();
    if method == "GET" {
        gets.fetch_add(1, Ordering::SeqCst);
    }
    let body = if method == "HEAD" { "" } else { name };
    let length = name.len();
    let answer = match name {
        "missing" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "moved" => "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "stalls" => format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{body}"),
        "unknown" => format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"),
        _ => format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"),
    };
    stream.write_all(answer.as_bytes()).await.unwrap();
    if name == "stalls" {
        std::future::pending::<()>().await;
    }
}

struct Bench {
    home: tempfile::TempDir,
    fetcher: Fetcher,
    server: Server,
    jobs: AtomicUsize,
}

async fn bench() -> Bench {
    with(FetchConfig { stall_timeout: Duration::from_millis(300), ..FetchConfig::default() }).await
}

async fn with(config: FetchConfig) -> Bench {
    let home = tempfile::tempdir().unwrap();
    let fetcher = Fetcher::new(config, &home.path().display().to_string(), Clock::start());
    Bench { home, fetcher, server: server().await, jobs: AtomicUsize::new(0) }
}

impl Bench {
    fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.server.address)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Fetches into a sandbox of its own, which is returned with what came of it.
    async fn fetch(&self, uris: &[Uri]) -> (PathBuf, Result<(), String>) {
        let job = self.job(uris);
        let fetched = self.fetcher.fetch(&job).await;
        (PathBuf::from(job.directory), fetched)
    }

    fn job(&self, uris: &[Uri]) -> Job {
        let n = self.jobs.fetch_add(1, Ordering::SeqCst);
        let path = |name: String| self.home.path().join(name).display().to_string();
        Job {
            container_id: ContainerId { value: format!("c{n}"), parent: None },
            directory: path(format!("sandbox-{n}")),
            latest: path("latest".to_owned()),
            uris: uris.to_vec(),
            account: None,
        }
    }

    async fn fetched(&self, uris: &[Uri]) -> PathBuf {
        let (sandbox, fetched) = self.fetch(uris).await;
        fetched.unwrap_or_else(|why| panic!("{why}: {}", log(&sandbox)));
        sandbox
    }

    fn gets(&self) -> usize {
        self.server.gets.load(Ordering::SeqCst)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.server.tasks.cancel();
    }
}

fn uri(value: impl Into<String>) -> Uri {
    Uri { value: value.into(), executable: false, extract: true, cache: false, output_file: None }
}

fn cached(value: impl Into<String>) -> Uri {
    Uri { cache: true, ..uri(value) }
}

fn read(sandbox: &Path, name: &str) -> String {
    fs::read_to_string(sandbox.join(name)).unwrap()
}

fn log(sandbox: &Path) -> String {
    read(sandbox, "stderr")
}

#[tokio::test]
async fn brings_files_of_the_machine_and_of_servers() {
    let bench = bench().await;
    let local = bench.file("local.txt", "local");
    let named = Uri { output_file: Some("a/b/named".to_owned()), ..uri(local.clone()) };
    let program = Uri { executable: true, ..uri(bench.url("run.sh")) };
    let uris =
        [uri(format!("file://{local}")), named, program, uri(bench.url("moved")), uri(bench.url("unknown"))];
    let sandbox = bench.fetched(&uris).await;
    assert_eq!(read(&sandbox, "local.txt"), "local");
    assert_eq!(read(&sandbox, "a/b/named"), "local");
    assert_eq!(read(&sandbox, "run.sh"), "run.sh");
    assert_eq!(read(&sandbox, "moved"), "there");
    assert_eq!(read(&sandbox, "unknown"), "unknown");
    let mode = fs::metadata(sandbox.join("run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let log = log(&sandbox);
    assert!(log.contains(&format!("] Fetched '{}' to '", bench.url("run.sh"))), "{log}");
    assert!(log.contains("Fetcher Info: {\"cache_directory\":"), "{log}");
    assert!(log.contains("Successfully fetched all URIs into "), "{log}");
    assert_eq!(bench.fetcher.fetches(), Fetches { succeeded: 1, failed: 0, cached: 0 });
}

#[tokio::test]
async fn says_why_it_fails() {
    let bench = bench().await;
    let directory = bench.home.path().display().to_string();
    let cases = [
        ("/no/such/file".to_owned(), "No such file or directory"),
        (bench.url("missing"), "Error downloading resource, received HTTP return code 404"),
        (bench.url("stalls"), "Operation too slow"),
        (directory, "`source` was a directory"),
        ("/dev/zero".to_owned(), "`source` was no regular file"),
        ("relative".to_owned(), "A relative path was passed for the resource"),
        ("hdfs://h/f".to_owned(), "Failed to create HDFS client"),
        (bench.file("broken.tgz", "no archive"), "Failed to extract archive"),
    ];
    for (n, (value, why)) in cases.into_iter().enumerate() {
        let (sandbox, fetched) = bench.fetch(&[uri(value.clone())]).await;
        let expected = format!("Failed to fetch all URIs for container 'c{n}': exited with status 1");
        assert_eq!(fetched.unwrap_err(), expected, "{value}");
        let log = log(&sandbox);
        assert!(log.contains(&format!("EXIT with status 1: Failed to fetch '{value}': ")), "{log}");
        assert!(log.contains(why), "{log}");
    }
    assert_eq!(bench.fetcher.fetches().failed, 8);
}

#[tokio::test]
async fn a_relative_path_begins_at_the_home_of_frameworks() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("f"), "x").unwrap();
    let frameworks_home = home.path().display().to_string();
    let bench = with(FetchConfig { frameworks_home, ..FetchConfig::default() }).await;
    assert_eq!(read(&bench.fetched(&[uri("f")]).await, "f"), "x");
}

#[tokio::test]
async fn what_is_in_the_cache_is_downloaded_once() {
    let bench = bench().await;
    let both = [cached(bench.url("f")), Uri { output_file: Some("g".to_owned()), ..cached(bench.url("f")) }];
    let sandbox = bench.fetched(&both).await;
    assert_eq!((read(&sandbox, "f"), read(&sandbox, "g")), ("f".to_owned(), "f".to_owned()));
    assert!(log(&sandbox).contains("DOWNLOAD_AND_CACHE"));
    let again = bench.fetched(&[cached(bench.url("f"))]).await;
    assert!(log(&again).contains("RETRIEVE_FROM_CACHE"));
    assert_eq!(bench.gets(), 1);
    assert_eq!(bench.fetcher.fetches().cached, 1);
}

#[tokio::test]
async fn many_that_want_the_same_wait_for_one() {
    let bench = bench().await;
    let uris = [cached(bench.url("one")), cached(bench.url("two"))];
    let turned = [uris[1].clone(), uris[0].clone()];
    let fetches = (0..20).map(|n| bench.fetch(if n % 2 == 0 { &uris } else { &turned }));
    for (_, fetched) in futures_util::future::join_all(fetches).await {
        fetched.unwrap();
    }
    assert_eq!(bench.gets(), 2);
}

#[tokio::test]
async fn what_has_no_room_or_no_size_goes_past_the_cache() {
    let bench = with(FetchConfig { cache_size: 3, ..FetchConfig::default() }).await;
    for name in ["large", "unknown"] {
        let sandbox = bench.fetched(&[cached(bench.url(name))]).await;
        assert_eq!(read(&sandbox, name), name);
        assert!(log(&sandbox).contains("BYPASS_CACHE"), "{name}");
    }
    assert_eq!(bench.fetcher.fetches().cached, 0);
}

#[tokio::test]
async fn an_archive_in_the_cache_is_extracted_from_there() {
    let bench = bench().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"hello").unwrap();
    let path = bench.home.path().join("a-name-that-is-rather-long.txt.gz");
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let value = path.display().to_string();
    for uris in [[cached(value.clone())], [uri(value.clone())]] {
        let sandbox = bench.fetched(&uris).await;
        assert_eq!(read(&sandbox, "a-name-that-is-rather-long.txt"), "hello");
        assert_eq!(sandbox.join("a-name-that-is-rather-long.txt.gz").exists(), !uris[0].cache);
    }
    let left = Uri { extract: false, ..cached(value) };
    assert!(bench.fetched(&[left]).await.join("a-name-that-is-rather-long.txt.gz").exists());
}

#[tokio::test]
async fn a_fetch_that_is_given_up_leaves_the_cache_to_others() {
    let bench = with(FetchConfig::default()).await;
    let job = bench.job(&[cached(bench.url("stalls"))]);
    let given_up = tokio::time::timeout(Duration::from_millis(50), bench.fetcher.fetch(&job));
    assert!(given_up.await.is_err());
    assert_eq!(bench.fetcher.fetches().cached, 0);
    let left = fs::read_dir(bench.home.path().join("fetch")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "half a file is no file");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_output_file_leaves_the_sandbox(output_file in "[a./]{1,10}") {
        let done = crate::runtime::block_on(async {
            let bench = bench().await;
            let value = bench.file("local", "x");
            let before = fs::read_dir(bench.home.path()).unwrap().count();
            let (sandbox, fetched) = bench.fetch(&[Uri { output_file: Some(output_file), ..uri(value) }]).await;
            let after = fs::read_dir(bench.home.path()).unwrap().count();
            let made = usize::from(sandbox.exists()) + 1;
            (before + made == after, fetched.is_ok() || log(&sandbox).is_empty())
        });
        prop_assert!(done.unwrap().0);
    }
}
