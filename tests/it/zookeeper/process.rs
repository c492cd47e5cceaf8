//! The real binary: killed without mercy, written to by strangers, and many at once.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use bytes::Bytes;
use mesoslab::{
    runtime::Tasks,
    zookeeper::{
        Acl, ConnectRequest, OpCode, ReplyHeader, Request, Response,
        jute::Jute,
        request::{Create, CreateForm, PathWatch},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use super::{
    raw::Raw,
    real::{ask, ready},
};

async fn serve(args: &[&str]) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mesoslab"))
        .args(["serve", "zookeeper", "--listen", "127.0.0.1:0"])
        .args(args)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, rest)) = line.split_once("zk://") {
            let address = rest.split_whitespace().next().unwrap().parse().unwrap();
            // What it logs is read to its end, so that it never waits for us.
            let reading = async move { while let Ok(Some(_)) = lines.next_line().await {} };
            drop(Tasks::new().spawn_graceful(reading));
            ready(address).await;
            return (child, address);
        }
    }
    panic!("it ended without listening");
}

async fn serve_from(dir: &Path, more: &[&str]) -> (Child, SocketAddr) {
    serve(&[&["--data-dir", dir.to_str().unwrap()], more].concat()).await
}

fn create(path: String, flags: i32) -> Request {
    let data = Some(Bytes::from_static(b"x"));
    Request::Create(Create { form: CreateForm::Create, path, data, acl: Acl::open(), flags })
}

/// Writes nodes one after the other until the server is gone; gives those that were acknowledged.
async fn write_until_death(address: SocketAddr, writer: usize) -> Vec<String> {
    let mut client = Raw::connect(address).await;
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let path = format!("/w{writer}-{number}");
        client.send(&create(path.clone(), 0).to_frame(number)).await;
        let Some(mut frame) = client.next().await else { break };
        assert_eq!(ReplyHeader::read(&mut frame).unwrap().err, 0);
        acknowledged.push(path);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    let (tasks, mut session) = (Tasks::new(), None);
    for round in 0..3 {
        let (mut server, address) = serve_from(dir.path(), &["--snap-count", "150"]).await;
        if let Some(session) = &session {
            let back = Raw::back(address, session).await.expect("a server");
            assert!(!back.session.expired(), "the session outlives the server");
        }
        let mut keeper = Raw::connect(address).await;
        keeper.send(&create(format!("/e{round}"), 1).to_frame(1)).await;
        keeper.next().await.expect("an answer");
        let writers: Vec<_> =
            (0..4).map(|n| tasks.spawn_graceful(write_until_death(address, 10 * round + n))).collect();
        while ask(address, "srvr").await.is_ok_and(|said| !has_nodes(&said, all.len() + 200)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.kill().await.unwrap();
        for writer in writers {
            all.extend(writer.await.unwrap());
        }
        session = Some(keeper.session.clone());
    }
    assert!(all.len() >= 300, "{}", all.len());
    let (_server, address) = serve_from(dir.path(), &[]).await;
    let mut client = Raw::connect(address).await;
    for path in all.into_iter().chain(["/e0", "/e1", "/e2"].map(str::to_owned)) {
        client.send(&Request::Exists(PathWatch { path: path.clone(), watch: false }).to_frame(1)).await;
        let mut frame = client.next().await.unwrap();
        assert_eq!(ReplyHeader::read(&mut frame).unwrap().error(), None, "{path} is lost");
    }
}

fn has_nodes(srvr: &str, wanted: usize) -> bool {
    let count = srvr.lines().find_map(|line| line.strip_prefix("Node count: "));
    count.and_then(|count| count.parse::<usize>().ok()).is_some_and(|count| count >= wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_hung_up_on_and_nobody_else() {
    let (_server, address) = serve(&["--in-memory", "--jute-maxbuffer", "2048"]).await;
    let mut client = Raw::connect(address).await;
    let lies: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 64],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 8, 1],
        &[0, 0, 0, 4, 1, 2, 3, 4],
        &[0, 0, 0, 0],
    ];
    for lie in lies {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(lie).await.unwrap();
        let mut answer = Vec::new();
        _ = stranger.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{lie:?}: {answer:?}");
    }
    let mut liar = Raw::connect(address).await;
    liar.send(&vec![0; 4000]).await;
    assert_eq!(liar.next().await, None, "longer than --jute-maxbuffer");
    client.send(&Request::GetAllChildrenNumber("/".to_owned()).to_frame(5)).await;
    let mut frame = client.next().await.expect("others are served");
    ReplyHeader::read(&mut frame).unwrap();
    let count = Response::read_body(OpCode::GetAllChildrenNumber, &mut frame);
    assert_eq!(count, Ok(Response::Number(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_limited() {
    let (_server, address) = serve(&["--in-memory", "--max-client-cnxns", "3"]).await;
    let mut clients = Vec::new();
    // The question whether it serves was a connection, too, and may not be gone yet.
    while clients.len() < 3 {
        let request = ConnectRequest { timeout: 40_000, ..Default::default() };
        clients.extend(Raw::with(address, request).await);
    }
    let request = ConnectRequest { timeout: 40_000, ..Default::default() };
    assert!(Raw::with(address, request.clone()).await.is_none());
    drop(clients.pop());
    while Raw::with(address, request.clone()).await.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_are_served() {
    let (_server, address) = serve(&["--in-memory", "--max-client-cnxns", "0"]).await;
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(Raw::connect(address).await);
    }
    for client in &mut clients {
        client.send(&create("/n-".to_owned(), 3).to_frame(1)).await;
    }
    for client in &mut clients {
        let mut frame = client.next().await.expect("an answer");
        assert_eq!(ReplyHeader::read(&mut frame).unwrap().err, 0);
    }
    let said = ask(address, "srvr").await.unwrap();
    assert!(has_nodes(&said, 1005), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_bounded() {
    let (_server, address) = serve(&["--in-memory"]).await;
    let mut client = Raw::connect(address).await;
    let big = Create {
        path: "/big".to_owned(),
        data: Some(Bytes::from(vec![1; 1_000_000])),
        acl: Acl::open(),
        ..Create::default()
    };
    client.send(&Request::Create(big).to_frame(1)).await;
    client.next().await.expect("an answer");
    let read = Request::GetData(PathWatch { path: "/big".to_owned(), watch: false });
    for xid in 0..200 {
        client.send(&read.to_frame(xid)).await;
    }
    let mut other = Raw::connect(address).await;
    other.send(&Request::Ping.to_frame(-2)).await;
    other.next().await.expect("others are served meanwhile");
    for _ in 0..200 {
        assert!(client.next().await.expect("it is all there").len() > 1_000_000);
    }
}
