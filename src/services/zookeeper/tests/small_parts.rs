//! Hashes, paths, identities, timeouts.

use super::make::{Lab, create, delete};
use crate::{
    services::zookeeper::{Config, access, digest, path},
    zookeeper::{
        Acl, ConnectRequest, CreateMode, ErrorCode, Id, Perms, Request, Response,
        request::{Auth, Create, CreateForm},
    },
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn sha1_as_the_standard_has_it() {
    assert_eq!(hex(&digest::sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(hex(&digest::sha1(b"")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(hex(&digest::sha1(long)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_eq!(hex(&digest::sha1(&[b'a'; 1_000_000])), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    assert_eq!(digest::id(b"super:test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
}

#[test]
fn paths_that_can_be() {
    for good in ["/", "/a", "/a/b", "/a.b", "/...", "/a/..b", "/\u{fc}", "/a b"] {
        assert_eq!(path::validate(good), Ok(()), "{good:?}");
    }
    let wrong = [
        "",
        "a",
        "a/b",
        "/a/",
        "//",
        "/a//b",
        "/.",
        "/a/..",
        "/../a",
        "/a\0",
        "/\u{1}",
        "/\u{7f}",
        "/\u{e000}",
    ];
    for wrong in wrong.into_iter().chain(["/\u{fff0}", "/\u{1f600}"]) {
        assert_eq!(path::validate(wrong), Err(ErrorCode::BadArguments), "{wrong:?}");
    }
    assert_eq!(path::parent("/a/b"), Ok("/a"));
    assert_eq!(path::parent("/a"), Ok(""));
    assert_eq!(path::ancestors("/a/b/c").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
    assert_eq!(path::ancestors("/").count() + path::ancestors("a").count(), 0);
}

#[test]
fn networks_of_acls() {
    let may = |named: &str, own: &str| {
        let acl = [Acl::new(Perms::READ, Id::new("ip", named))];
        access::check(&acl, Perms::READ, &[Id::new("ip", own)]).is_ok()
    };
    assert!(may("10.0.0.0/8", "10.9.9.9") && may("10.0.0.1", "10.0.0.1") && may("::/0", "fe80::1"));
    assert!(!may("10.0.0.0/8", "11.0.0.1") && !may("10.0.0.1", "10.0.0.2") && !may("::/0", "10.0.0.1"));
}

#[test]
fn timeouts_are_negotiated() {
    let config = Config::default();
    assert_eq!(
        [0, 4000, 10_000, 99_000].map(|wanted| config.negotiate(wanted)),
        [4000, 4000, 10_000, 40_000]
    );
}

#[test]
fn a_session_comes_back_with_its_passwd_only() {
    let mut lab = Lab::new();
    let (first, session) = lab.client();
    let back = ConnectRequest {
        timeout: 10_000,
        session_id: session.session_id,
        passwd: session.passwd.clone(),
        read_only: Some(false),
        ..ConnectRequest::default()
    };
    let (_, wrong) = lab.connect(&ConnectRequest { passwd: None, ..back.clone() });
    let wrong = wrong.unwrap();
    assert!(wrong.expired() && wrong.session_id == 0);
    assert!(lab.ask(first, &Request::Ping).is_ok(), "somebody else's failure is nothing to it");
    let (second, again) = lab.connect(&back);
    let again = again.unwrap();
    assert_eq!(
        (again.session_id, again.passwd, again.read_only),
        (session.session_id, session.passwd, Some(false))
    );
    assert!(lab.ask(second, &Request::Ping).is_ok());
    let ahead = ConnectRequest { last_zxid_seen: 99, ..ConnectRequest::default() };
    assert_eq!(lab.connect(&ahead).1, None);
}

#[test]
fn hashes_are_shown_to_those_who_may_change_them() {
    let mut lab = Lab::new();
    let ((ann, _), (bob, _)) = (lab.client(), lab.client());
    let auth = Auth { kind: 0, scheme: Some("digest".to_owned()), auth: Some("ann:secret".into()) };
    assert_eq!(lab.ask(ann, &Request::Auth(auth)), Ok(Response::Empty));
    let acl = [Acl::creator(), Acl::read_only()].concat();
    let node = Create { form: CreateForm::Create, path: "/n".to_owned(), data: None, acl, flags: 0 };
    lab.ask(ann, &Request::Create(node)).unwrap();
    let seen = |lab: &mut Lab, who| match lab.ask(who, &Request::GetAcl("/n".to_owned())) {
        Ok(Response::Acl { acl, .. }) => acl[0].id.id.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(seen(&mut lab, bob), "ann:x");
    assert_eq!(seen(&mut lab, ann), digest::id(b"ann:secret"));
    assert_eq!(lab.ask(bob, &delete("/n")), Ok(Response::Empty), "deletion is a right of the parent");
}

#[test]
fn quotas_are_refused() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    let quota = create("/zookeeper/quota/a", CreateMode::Persistent);
    assert_eq!(lab.ask(client, &quota), Err(ErrorCode::Unimplemented));
}
