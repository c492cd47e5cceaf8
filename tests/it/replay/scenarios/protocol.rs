//! Group 12: unusual and broken HTTP, byte for byte.

use std::time::Duration;

use crate::replay::{
    cluster::{Cluster, Setup},
    exchange::{golden, names},
    session::{Done, master_id},
    verdict::judge,
    wire,
};

/// The recordings name the host `x`, which our guard refuses: see `host_and_origin_are_guarded`.
fn live(request: &[u8], port: u16) -> Vec<u8> {
    let text: String = request.iter().map(|b| char::from(*b)).collect();
    let text = text.replace(":15050", &format!(":{port}"));
    text.chars().map(|c| c as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_http() {
    let cluster = Cluster::start(Setup::new(master_id("12-"))).await;
    cluster.start_agent().await;
    let address = cluster.master_address();
    let mut done = Done::new();
    for name in names("12-") {
        let recorded = golden(&name);
        let request = live(&recorded.request, address.port());
        let patience = Duration::from_secs(3);
        let exchange = wire::exchange(address, request, recorded.events().len(), patience).await;
        done.insert(name, exchange);
    }
    judge("12", &["12-"], &cluster.place(), &done);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_and_origin_are_guarded() {
    let cluster = Cluster::start(Setup::new("guarded".into())).await;
    let address = cluster.master_address();
    for header in
        ["Host: x.example.com", "Host: localhost\r\nOrigin: http://evil", "Host: 127.0.0.1.example.com:5050"]
    {
        let request = format!("GET /version HTTP/1.1\r\n{header}\r\n\r\n").into_bytes();
        let exchange = wire::exchange(address, request, 0, wire::PATIENCE).await;
        assert_eq!(exchange.answers()[0].code(), 403, "{header}");
    }
    cluster.stop().await;
}
