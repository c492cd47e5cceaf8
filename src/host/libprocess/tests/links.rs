//! Links: how their end is noticed, and that it is told once.

use tokio::{io::AsyncWriteExt, net::TcpSocket};

use super::*;

async fn accept(listener: &TcpListener) -> TcpStream {
    within(listener.accept()).await.unwrap().0
}

/// A listener whose queue is full: whoever connects waits.
async fn overcrowded() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
    }
    (listener, waiting)
}

async fn exited(news: &mut mpsc::UnboundedReceiver<PeerEvent>, address: SocketAddr) {
    assert_eq!(within(news.recv()).await, Some(PeerEvent::Exited(address)));
}

/// Ends the peer; that it had no other news.
async fn ends_without_news(peer: Peer, mut news: mpsc::UnboundedReceiver<PeerEvent>, tasks: Tasks) {
    tasks.stop().await;
    drop(peer);
    assert_eq!(within(news.recv()).await, None);
}

#[tokio::test]
async fn an_end_is_told_once_and_then_messages_go_without_a_link() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (peer, mut news, tasks) = peer(PeerLimits::default());
    for reset in [false, true] {
        peer.link(address);
        peer.link(address);
        let link = accept(&listener).await;
        if reset {
            link.set_zero_linger().unwrap();
        }
        drop(link);
        exited(&mut news, address).await;
        peer.send("x", &Upid::new("master", address), "x.Y", Bytes::new());
        let mut temporary = accept(&listener).await;
        assert!(read(&mut temporary, usize::MAX).await.starts_with("POST /master/x.Y "));
    }
    ends_without_news(peer, news, tasks).await;
}

#[tokio::test]
async fn answers_are_thrown_away_and_are_no_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (peer, mut news, tasks) = peer(PeerLimits::default());
    peer.link(address);
    let mut link = accept(&listener).await;
    within(link.write_all(&vec![b'x'; 8 * 1024 * 1024])).await.unwrap();
    peer.send("x", &Upid::new("master", address), "x.Y", Bytes::new());
    assert!(read(&mut link, 20).await.starts_with("POST /master/x.Y "));
    link.shutdown().await.unwrap();
    exited(&mut news, address).await;
    ends_without_news(peer, news, tasks).await;
}

#[tokio::test]
async fn a_link_that_does_not_come_to_be_has_exited() {
    let refusing = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let limits = PeerLimits { connect: Duration::from_millis(50), ..PeerLimits::default() };
    let (peer, mut news, tasks) = peer(limits);
    let (listener, _waiting) = overcrowded().await;
    let silent = listener.local_addr().unwrap();
    for address in [refusing, silent, refusing] {
        peer.link(address);
        peer.send("x", &Upid::new("master", address), "x.Y", Bytes::new());
        exited(&mut news, address).await;
    }
    ends_without_news(peer, news, tasks).await;
}

#[tokio::test]
async fn a_new_link_replaces_the_old_one_without_news() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (peer, mut news, tasks) = peer(PeerLimits::default());
    peer.relink(address);
    let mut old = accept(&listener).await;
    peer.relink(address);
    peer.send("x", &Upid::new("master", address), "x.Y", Bytes::new());
    let mut new = accept(&listener).await;
    assert_eq!(read(&mut old, usize::MAX).await, "");
    assert!(read(&mut new, 20).await.starts_with("POST /master/x.Y "));
    drop(old);
    peer.link(address);
    drop(new);
    exited(&mut news, address).await;
    ends_without_news(peer, news, tasks).await;
}

#[tokio::test]
async fn what_was_sent_before_the_end_of_a_link_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (peer, news, tasks) = peer(PeerLimits::default());
    peer.unlink(address);
    for _ in 0..20 {
        peer.link(address);
        peer.send("x", &Upid::new("master", address), "x.Y", Bytes::new());
        peer.unlink(address);
        let mut link = accept(&listener).await;
        assert!(read(&mut link, usize::MAX).await.starts_with("POST /master/x.Y "));
    }
    peer.link(address);
    let mut link = accept(&listener).await;
    peer.unlink(address);
    assert_eq!(read(&mut link, usize::MAX).await, "");
    ends_without_news(peer, news, tasks).await;
}

/// The other side takes nothing any more.
#[tokio::test]
async fn a_link_that_is_let_go_does_not_last_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = PeerLimits { write: Duration::from_millis(50), ..PeerLimits::default() };
    let (peer, news, tasks) = peer(limits);
    peer.link(address);
    let mut unread = accept(&listener).await;
    let body = Bytes::from(vec![0; 30 * 1024 * 1024]);
    peer.send("x", &Upid::new("master", address), "x.Y", body);
    within(unread.read_exact(&mut [0; 100])).await.unwrap();
    peer.unlink(address);
    peer.link(address);
    let _second = accept(&listener).await;
    assert!(read(&mut unread, usize::MAX).await.len() < 30 * 1024 * 1024);
    ends_without_news(peer, news, tasks).await;
}

#[tokio::test]
async fn a_link_that_takes_nothing_breaks_at_the_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = PeerLimits { queued: 1024 * 1024, ..PeerLimits::default() };
    let (peer, mut news, tasks) = peer(limits);
    peer.link(address);
    let _unread = accept(&listener).await;
    let body = Bytes::from(vec![0; 64 * 1024]);
    let mut sent = 0;
    while news.is_empty() {
        peer.send("x", &Upid::new("master", address), "x.Y", body.clone());
        sent += body.len();
        assert!(sent < 1024 * 1024 * 1024, "it is waited for");
        tokio::task::yield_now().await;
    }
    exited(&mut news, address).await;
    for _ in 0..1000 {
        peer.send("x", &Upid::new("master", address), "x.Y", body.clone());
    }
    ends_without_news(peer, news, tasks).await;
}

#[tokio::test]
async fn strangers_are_not_talked_to() {
    let (peer, mut news, tasks) = peer(PeerLimits::default());
    let stranger: SocketAddr = "192.0.2.1:5050".parse().unwrap();
    for _ in 0..2 {
        peer.send("x", &Upid::new("master", stranger), "x.Y", Bytes::new());
        peer.link(stranger);
        exited(&mut news, stranger).await;
        peer.send("x", &"@0.0.0.0:0".parse().unwrap(), "x.Y", Bytes::new());
    }
    assert!(!format!("{peer:?}").contains("Destination"), "no connection is opened");
    ends_without_news(peer, news, tasks).await;
}
