//! What a client does, step by step, and what it is told when it does it wrong.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream};
use mesoslab::services::registry::{Digest, Hasher};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::ask::{
    Answer, IMAGE, INDEX, OCI_IMAGE, OCTETS, Registry, Server, blob, descriptor, image, with_digest,
};

const CONFIG: &[u8] = b"{\"architecture\":\"amd64\",\"os\":\"linux\"}";
const LAYER: &[u8] = b"ten bytes.ten bytes.ten bytes.ten bytes.ten bytes.";

async fn start() -> (Server, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Server::start(dir.path()).await, dir)
}

async fn push_image(registry: &Registry, name: &str, tag: &str) -> Answer {
    for content in [CONFIG, LAYER] {
        assert_eq!(registry.push(name, content).await.status, 201);
    }
    registry.put_manifest(name, tag, IMAGE, &image(IMAGE, CONFIG, LAYER)).await
}

#[tokio::test]
async fn a_blob_is_sent_chunk_by_chunk() {
    let (server, _dir) = start().await;
    let registry = &server.registry;
    assert_eq!(registry.get("/v2/").await.header("docker-distribution-api-version"), "registry/2.0");
    let absent = registry.get(&blob("a/b", LAYER)).await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "BLOB_UNKNOWN"));
    let upload = registry.begin("a/b").await;
    let chunk = async |range: &str, part: &'static [u8]| {
        registry.ask("PATCH", &upload, &[OCTETS, ("content-range", range)], part).await
    };
    let first = chunk("0-19", &LAYER[..20]).await;
    assert_eq!((first.status, first.header("range"), first.header("location")), (202, "0-19", &*upload));
    for (range, part) in [("0-19", &LAYER[..20]), ("30-49", &LAYER[30..]), ("20-x", &LAYER[20..])] {
        let refused = chunk(range, part).await;
        assert_eq!((refused.status, refused.header("range")), (416, "0-19"), "{range}");
        assert_eq!(refused.code(), "RANGE_INVALID");
    }
    let short = chunk("20-49", &LAYER[20..30]).await;
    assert_eq!((short.status, short.code().as_str()), (400, "SIZE_INVALID"));
    let status = registry.get(&upload).await;
    assert_eq!((status.status, status.header("range")), (204, "0-19"), "what was too short is forgotten");
    assert_eq!(chunk("20-39", &LAYER[20..40]).await.status, 202);
    let done =
        registry.ask("PUT", &with_digest(&upload, LAYER), &[("content-range", "40-49")], &LAYER[40..]).await;
    assert_eq!((done.status, done.header("location")), (201, &*blob("a/b", LAYER)));
    assert_eq!(registry.get(&upload).await.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(registry.get(&blob("a/b", LAYER)).await.body, LAYER);
}

#[tokio::test]
async fn a_blob_is_read_whole_and_in_parts() {
    let (server, _dir) = start().await;
    let registry = &server.registry;
    let digest = Digest::of(LAYER).to_string();
    let whole =
        registry.ask("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[OCTETS], LAYER).await;
    assert_eq!((whole.status, whole.header("docker-content-digest")), (201, &*digest));
    let head = registry.ask("HEAD", &blob("a", LAYER), &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, "50"));
    let part = async |range: &str| registry.ask("GET", &blob("a", LAYER), &[("range", range)], "").await;
    for (range, said, body) in [
        ("bytes=0-9", "bytes 0-9/50", &LAYER[..10]),
        ("bytes=41-", "bytes 41-49/50", &LAYER[41..]),
        ("bytes=-3", "bytes 47-49/50", &LAYER[47..]),
    ] {
        let answer = part(range).await;
        assert_eq!((answer.status, answer.header("content-range"), &*answer.body), (206, said, body));
    }
    let beyond = part("bytes=50-").await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */50"));
    assert_eq!(part("bytes=0-1,4-5").await.body, LAYER);
    let known =
        registry.ask("GET", &blob("a", LAYER), &[("if-none-match", &format!("\"{digest}\""))], "").await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(registry.get(&blob("b", LAYER)).await.status, 404, "another repository has nothing");
}

#[tokio::test]
async fn a_wrong_digest_and_a_cancelled_upload_leave_nothing() {
    let (server, dir) = start().await;
    let registry = &server.registry;
    let upload = registry.begin("a").await;
    registry.ask("PATCH", &upload, &[OCTETS], LAYER).await;
    assert_eq!(registry.ask("PUT", &upload, &[], "").await.code(), "DIGEST_INVALID", "none at all");
    assert_eq!(
        registry.ask("PUT", &format!("{upload}?digest=md5:1"), &[], "").await.code(),
        "DIGEST_INVALID"
    );
    let wrong = registry.ask("PUT", &with_digest(&upload, CONFIG), &[], "").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "DIGEST_INVALID"));
    assert_eq!(registry.get(&upload).await.status, 404);
    let upload = registry.begin("a").await;
    registry.ask("PATCH", &upload, &[OCTETS], LAYER).await;
    assert_eq!(registry.get(&upload.replace("/a/", "/b/")).await.status, 404, "it is of one repository");
    assert_eq!(registry.ask("DELETE", &upload, &[], "").await.status, 204);
    assert_eq!(registry.ask("DELETE", &upload, &[], "").await.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(std::fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
    assert!(!dir.path().join("blobs").exists());
}

#[tokio::test]
async fn an_image_is_pushed_pulled_listed_and_removed() {
    let (server, _dir) = start().await;
    let registry = &server.registry;
    let manifest = image(IMAGE, CONFIG, LAYER);
    let incomplete = registry.put_manifest("a/b", "1", IMAGE, &manifest).await;
    assert_eq!((incomplete.status, incomplete.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"));
    assert_eq!(incomplete.json()["errors"].as_array().unwrap().len(), 2);
    let pushed = push_image(registry, "a/b", "1").await;
    let digest = Digest::of(manifest.to_string().as_bytes()).to_string();
    assert_eq!((pushed.status, pushed.header("docker-content-digest")), (201, &*digest));
    for tag in ["2", "3"] {
        registry.put_manifest("a/b", tag, IMAGE, &manifest).await;
    }
    for reference in ["1", &digest] {
        let got = registry.get(&format!("/v2/a/b/manifests/{reference}")).await;
        assert_eq!(got.body, manifest.to_string().into_bytes());
        assert_eq!((got.header("content-type"), got.header("docker-content-digest")), (IMAGE, &*digest));
    }
    let page = registry.get("/v2/a/b/tags/list?n=2").await;
    assert_eq!(page.json(), json!({"name": "a/b", "tags": ["1", "2"]}));
    assert_eq!(page.header("link"), "</v2/a/b/tags/list?last=2&n=2>; rel=\"next\"");
    assert_eq!(registry.get("/v2/a/b/tags/list?n=2&last=2").await.json()["tags"], json!(["3"]));
    let mount = format!("/v2/c/blobs/uploads/?mount={}&from=a/b", Digest::of(LAYER));
    assert_eq!(registry.ask("POST", &mount, &[], "").await.status, 201);
    assert_eq!(registry.get(&blob("c", LAYER)).await.body, LAYER);
    assert_eq!(registry.get("/v2/_catalog").await.json(), json!({"repositories": ["a/b", "c"]}));
    let delete = async |path: String| registry.ask("DELETE", &path, &[], "").await.status;
    assert_eq!(delete("/v2/a/b/manifests/1".to_owned()).await, 202);
    assert_eq!(registry.get("/v2/a/b/manifests/1").await.code(), "MANIFEST_UNKNOWN");
    assert_eq!(registry.get("/v2/a/b/manifests/2").await.status, 200, "only the tag is gone");
    assert_eq!(delete(format!("/v2/a/b/manifests/{digest}")).await, 202);
    assert_eq!(registry.get("/v2/a/b/tags/list").await.json()["tags"], json!([]), "and its tags with it");
    assert_eq!(delete(blob("a/b", LAYER)).await, 202);
    assert_eq!(delete(blob("a/b", LAYER)).await, 404);
    assert_eq!(registry.get(&blob("c", LAYER)).await.status, 200, "the other repository keeps it");
}

#[tokio::test]
async fn lists_of_images_and_what_refers_to_one() {
    let (server, _dir) = start().await;
    let registry = &server.registry;
    let pushed = push_image(registry, "a", "1").await;
    let manifest = image(IMAGE, CONFIG, LAYER).to_string();
    let index =
        |of: &[u8]| json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(IMAGE, of)]});
    assert_eq!(registry.put_manifest("a", "all", INDEX, &index(b"?")).await.code(), "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(registry.put_manifest("a", "all", INDEX, &index(manifest.as_bytes())).await.status, 201);
    let mut signature = image(OCI_IMAGE, CONFIG, LAYER);
    signature["artifactType"] = "application/x.signature".into();
    signature["subject"] = descriptor(IMAGE, manifest.as_bytes());
    let signed = registry.put_manifest("a", "sig", OCI_IMAGE, &signature).await;
    let subject = pushed.header("docker-content-digest").to_owned();
    assert_eq!((signed.status, signed.header("oci-subject")), (201, &*subject));
    let referrers = async |query: &str| registry.get(&format!("/v2/a/referrers/{subject}{query}")).await;
    let all = referrers("").await;
    assert_eq!(all.header("content-type"), INDEX);
    assert_eq!(all.json()["manifests"][0]["artifactType"], "application/x.signature");
    let none = referrers("?artifactType=x").await;
    assert_eq!(
        (none.json()["manifests"].clone(), none.header("oci-filters-applied")),
        (json!([]), "artifactType")
    );
    let path = format!("/v2/a/manifests/{}", signed.header("docker-content-digest"));
    registry.ask("DELETE", &path, &[], "").await;
    assert_eq!(referrers("").await.json()["manifests"], json!([]));
}

#[tokio::test]
async fn garbage_is_refused_with_a_reason() {
    let (server, _dir) = start().await;
    let registry = &server.registry;
    let large = " ".repeat(5 * 1024 * 1024);
    for (method, path, body, status, code) in [
        ("POST", "/v2/", "", 405, "UNSUPPORTED"),
        ("PUT", "/v2/a/tags/list", "", 405, "UNSUPPORTED"),
        ("GET", "/v2/A/tags/list", "", 400, "NAME_INVALID"),
        ("GET", "/v2/a/tags/list", "", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/a%2f%2e%2e%2fb/tags/list", "", 400, "NAME_INVALID"),
        ("GET", "/v2/a/manifests/%2ex", "", 404, "MANIFEST_UNKNOWN"),
        ("PUT", "/v2/a/manifests/%2ex", "{}", 400, "TAG_INVALID"),
        ("PUT", "/v2/a/manifests/1", "{", 400, "MANIFEST_INVALID"),
        ("PUT", "/v2/a/manifests/1", &large, 413, "SIZE_INVALID"),
        ("GET", "/v2/a/blobs/sha256:..", "", 400, "DIGEST_INVALID"),
        ("GET", "/v2/_catalog?n=-1", "", 400, "PAGINATION_NUMBER_INVALID"),
        ("PATCH", "/v2/a/blobs/uploads/..%2f..%2flock", "x", 404, ""),
        ("PATCH", "/v2/a/blobs/uploads/none", "x", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("GET", "/v3/", "", 404, ""),
        ("GET", "/v2/a/b", "", 404, ""),
    ] {
        let answer = registry.ask(method, path, &[("content-type", IMAGE)], body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path}");
    }
    for (name, value) in [("host", "evil.test"), ("origin", "http://evil.test")] {
        assert_eq!(registry.ask("GET", "/v2/_catalog", &[(name, value)], "").await.status, 403, "{name}");
    }
    assert_eq!(push_image(registry, "a", "1").await.status, 201);
}

#[tokio::test]
async fn one_blob_is_pushed_by_many_at_once() {
    let (server, dir) = start().await;
    let content = vec![b'x'; 3 << 20];
    let names: Vec<String> = (0..8).map(|n| format!("many/{}", n % 4)).collect();
    let pushed = join_all(names.iter().map(|name| server.registry.push(name, &content))).await;
    assert!(pushed.iter().all(|answer| answer.status == 201));
    let read =
        join_all(names.iter().map(async |name| server.registry.get(&blob(name, &content)).await)).await;
    assert!(read.iter().all(|answer| answer.body == content));
    assert_eq!(std::fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_has_come_before_a_line_breaks_is_kept() {
    let (server, _dir) = start().await;
    let registry = &server.registry;
    let upload = registry.begin("a").await;
    let address = registry.url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("PATCH {upload} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 50\r\n\r\n");
    socket.write_all(&[head.as_bytes(), &LAYER[..30]].concat()).await.unwrap();
    socket.shutdown().await.unwrap();
    let _closed = socket.read_to_end(&mut Vec::new()).await;
    // Whoever asks waits until the request before has ended.
    let status = registry.get(&upload).await;
    assert_eq!((status.status, status.header("range")), (204, "0-29"));
    let rest = [OCTETS, ("content-range", "30-49")];
    assert_eq!(registry.ask("PUT", &with_digest(&upload, LAYER), &rest, &LAYER[30..]).await.status, 201);
    assert_eq!(registry.get(&blob("a", LAYER)).await.body, LAYER);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_blob_takes_little_memory() {
    const PIECES: usize = 256;
    let (server, _dir) = start().await;
    let registry = &server.registry;
    let piece = Bytes::from(vec![7; 1 << 20]);
    let mut hasher = Hasher::default();
    (0..PIECES).for_each(|_| hasher.update(&piece));
    let digest = hasher.digest();
    let upload = registry.begin("large").await;
    let pieces = stream::repeat_with(move || io::Result::Ok(piece.clone())).take(PIECES);
    let put = registry.request("PUT", &format!("{upload}?digest={digest}"));
    assert_eq!(put.body(reqwest::Body::wrap_stream(pieces)).send().await.unwrap().status(), 201);
    let mut got = registry.request("GET", &format!("/v2/large/blobs/{digest}")).send().await.unwrap();
    let mut hasher = Hasher::default();
    while let Some(piece) = got.chunk().await.unwrap() {
        hasher.update(&piece);
    }
    assert_eq!(hasher.digest(), digest);
    let peak = server.peak();
    assert!(peak < 100 << 20, "{peak} bytes");
}
