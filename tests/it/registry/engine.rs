//! A Docker Engine pushes to our registry and pulls from it.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use mesoslab::client::docker::{Engine, Event, Order};

use super::ask::Server;
use crate::support::skipped;

/// A context with one file of these bytes.
fn context(file: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let dockerfile = b"FROM scratch\nCOPY file /file\n";
    for (name, content) in [("Dockerfile", &dockerfile[..]), ("file", file)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(content.len()).unwrap());
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn quietly(_: &Event) {}

#[tokio::test]
async fn an_image_goes_in_and_comes_back() {
    let Ok(engine) = Engine::connect().await else {
        skipped("no Docker Engine answers");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let address = server.registry.url.strip_prefix("http://").unwrap();
    let reference = format!("{address}/mesoslab-test/image:1");
    // Like no other image, so that the engine has none of its layers.
    let file = uuid::Uuid::new_v4().to_string().repeat(100_000);
    let order = Order { reference: reference.clone(), ..Order::default() };
    let tar = stream::iter([io::Result::Ok(Bytes::from(context(file.as_bytes())))]);
    engine.build(&order, tar, &quietly).await.unwrap();
    let went = engine.image(&reference).await.unwrap().unwrap();
    let pushed = engine.push(&reference, &quietly).await;
    engine.remove_image(&reference).await.unwrap();
    pushed.unwrap();
    assert_eq!(engine.image(&reference).await.unwrap(), None);
    engine.pull(&reference, &quietly).await.unwrap();
    let came = engine.image(&reference).await.unwrap().unwrap();
    engine.remove_image(&reference).await.unwrap();
    assert_eq!(came.id, went.id);
    let manifest = server.registry.get("/v2/mesoslab-test/image/manifests/1").await;
    assert!(came.digests[0].ends_with(manifest.header("docker-content-digest")), "{:?}", came.digests);
}
