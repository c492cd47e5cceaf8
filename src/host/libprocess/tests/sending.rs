//! What a [`Peer`] puts on the wire, and in which order it arrives.

use super::*;

const REGISTER: (&[u8], &[u8]) = (
    include_bytes!(
        "../../../../tests/golden/libprocess/a01-register-run-finish/001-slave(1)-to-master-RegisterSlaveMessage.http"
    ),
    include_bytes!(
        "../../../../tests/golden/libprocess/a01-register-run-finish/001-slave(1)-to-master-RegisterSlaveMessage.bin"
    ),
);
const PONG: &[u8] = include_bytes!(
    "../../../../tests/golden/libprocess/a01-register-run-finish/004-slave(1)-to-slave-observer(1)-PongSlaveMessage.http"
);

/// The recorded agent.
fn agent() -> (Peer, Tasks) {
    let (events, _) = mpsc::unbounded_channel();
    let tasks = Tasks::new();
    let address = "127.0.0.1:15151".parse().unwrap();
    (Peer::start(&tasks, address, Networks::loopback(), PeerLimits::default(), events), tasks)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    within(listener.accept()).await.unwrap().0
}

#[tokio::test]
async fn requests_are_as_recorded_byte_by_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (agent, tasks) = agent();
    let (head, body) = REGISTER;
    let register = [head, b"af\r\n", body, b"\r\n0\r\n\r\n"].concat();
    agent.link(address);
    let mut link = accept(&listener).await;
    let master = Upid::new("master", address);
    agent.send("slave(1)", &master, "mesos.internal.RegisterSlaveMessage", Bytes::from_static(body));
    let mut received = vec![0; register.len()];
    within(link.read_exact(&mut received)).await.unwrap();
    assert_eq!(received, register);
    let observer = Upid::new("slave-observer(1)", address);
    agent.send("slave(1)", &observer, "mesos.internal.PongSlaveMessage", Bytes::new());
    let mut received = vec![0; PONG.len()];
    within(link.read_exact(&mut received)).await.unwrap();
    assert_eq!(received, PONG);
    tasks.stop().await;
}

#[tokio::test]
async fn without_a_link_a_connection_carries_what_waits_and_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (agent, tasks) = agent();
    let observer = Upid::new("slave-observer(1)", address);
    for _ in 0..2 {
        agent.send("slave(1)", &observer, "mesos.internal.PongSlaveMessage", Bytes::new());
        let mut received = Vec::new();
        let mut connection = accept(&listener).await;
        within(connection.read_to_end(&mut received)).await.unwrap();
        assert_eq!(received, PONG);
    }
    tasks.stop().await;
}

fn number(message: &Incoming) -> u32 {
    u32::from_be_bytes(message.body.as_ref().try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_in_order_however_the_connection_changes() {
    let mut process = listening().await;
    let (peer, mut news, tasks) = peer(PeerLimits::default());
    for sent in 0..3000_u32 {
        match sent % 100 {
            30 => peer.link(process.address),
            70 => peer.unlink(process.address),
            90 => tokio::task::yield_now().await,
            _ => {}
        }
        peer.send("x", &process.upid(), "x.Y", Bytes::copy_from_slice(&sent.to_be_bytes()));
    }
    for sent in 0..3000 {
        let message = process.received().await;
        assert_eq!((number(&message), message.from.id.as_str()), (sent, "x"));
    }
    tasks.stop().await;
    assert!(news.try_recv().is_err());
}

#[tokio::test]
async fn large_and_small_bodies_arrive_whole() {
    let mut process = listening().await;
    let (peer, _news, tasks) = peer(PeerLimits::default());
    peer.link(process.address);
    let sizes = [0, 1, 15, 16, 255, 256, 65_535, 65_536, 300_000, 5_000_000, 0, 3];
    for size in sizes {
        peer.send("x", &process.upid(), "x.Y", Bytes::from(vec![b'\n'; size]));
    }
    for size in sizes {
        let message = process.received().await;
        assert!(message.body.len() == size && message.body.iter().all(|byte| *byte == b'\n'));
    }
    tasks.stop().await;
}

#[tokio::test]
async fn few_temporary_connections_serve_many_destinations() {
    let limits = PeerLimits { temporary: 1, ..PeerLimits::default() };
    let (peer, _news, tasks) = peer(limits);
    let mut processes = Vec::new();
    for _ in 0..8 {
        processes.push(listening().await);
    }
    for process in &processes {
        peer.send("x", &process.upid(), "x.Y", Bytes::new());
    }
    peer.link(processes[7].address);
    for process in &mut processes {
        process.received().await;
    }
    tasks.stop().await;
}

#[tokio::test]
async fn no_more_destinations_wait_than_there_may_be() {
    let limits = PeerLimits { temporary: 0, unlinked: 2, ..PeerLimits::default() };
    let (peer, _news, tasks) = peer(limits);
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(listening().await);
    }
    for process in &processes {
        peer.send("x", &process.upid(), "x.Y", Bytes::new());
    }
    for process in &processes {
        peer.link(process.address);
        peer.send("x", &process.upid(), "x.Z", Bytes::new());
    }
    let mut first = Vec::new();
    for process in &mut processes {
        first.push(process.received().await.name);
    }
    assert_eq!(first, ["x.Y", "x.Y", "x.Z"]);
    tasks.stop().await;
}
