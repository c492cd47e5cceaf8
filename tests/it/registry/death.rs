//! What is left of pushes when the registry dies in the middle of them.

use std::{fs, path::Path};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::ask::{IMAGE, OCTETS, Server, blob, command, image, with_digest};

const CONFIG: &[u8] = b"{}";
const LAYER: &[u8] = b"a layer";

/// The names of all content.
fn content(dir: &Path) -> Vec<String> {
    let starts = fs::read_dir(dir.join("blobs/sha256")).into_iter().flatten().flatten();
    let files = starts.flat_map(|start| fs::read_dir(start.path()).unwrap().flatten());
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn what_was_answered_survives_and_what_was_not_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    for content in [CONFIG, LAYER] {
        assert_eq!(server.registry.push("a", content).await.status, 201);
    }
    let manifest = image(IMAGE, CONFIG, LAYER);
    assert_eq!(server.registry.put_manifest("a", "1", IMAGE, &manifest).await.status, 201);

    let half = server.registry.begin("a").await;
    server.registry.ask("PATCH", &half, &[OCTETS], vec![1; 100_000]).await;
    let address = server.registry.url.strip_prefix("http://").unwrap().to_owned();
    let mut socket = TcpStream::connect(&address).await.unwrap();
    let head = format!("PATCH {half} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000000\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![1; 1 << 20]).await.unwrap();
    server.kill().await;

    let before = content(dir.path());
    assert_eq!(before.len(), 3, "nothing half is among the content");
    let server = Server::start(dir.path()).await;
    assert_eq!(server.registry.get("/v2/a/manifests/1").await.body, manifest.to_string().into_bytes());
    assert_eq!(server.registry.get(&blob("a", LAYER)).await.body, LAYER);
    assert_eq!(server.registry.get(&half).await.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
    assert_eq!(content(dir.path()).len(), 3);
}

#[tokio::test]
async fn what_nothing_refers_to_is_collected_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    for content in [CONFIG, LAYER, b"alone"] {
        server.registry.push("a", content).await;
    }
    let manifest = image(IMAGE, CONFIG, LAYER);
    let pushed = server.registry.put_manifest("a", "1", IMAGE, &manifest).await;
    server.registry.ask("DELETE", &blob("a", b"alone"), &[], "").await;
    let path = format!("/v2/a/manifests/{}", pushed.header("docker-content-digest"));
    server.registry.ask("DELETE", &path, &[], "").await;
    server.kill().await;
    assert_eq!(content(dir.path()).len(), 4);
    let server = Server::start(dir.path()).await;
    assert_eq!(
        server.registry.get(&blob("a", LAYER)).await.status,
        200,
        "an hour long it waits for a manifest"
    );
    assert_eq!(content(dir.path()).len(), 2, "the manifest is gone, and the blob that was removed");
}

#[tokio::test]
async fn a_directory_is_of_one_registry() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let upload = server.registry.begin("a").await;
    server.registry.ask("PATCH", &upload, &[OCTETS], LAYER).await;
    let second = command(dir.path()).output().await.unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("another registry (process {})", server.child.id().unwrap())), "{said}");
    let done = server.registry.ask("PUT", &with_digest(&upload, LAYER), &[], "").await;
    assert_eq!(done.status, 201, "the first one has not noticed");
}
