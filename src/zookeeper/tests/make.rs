//! Arbitrary requests and answers.

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};

use crate::zookeeper::{
    Acl, Id, Perms, Request, Response, Stat,
    multi::OpResult,
    request::{
        AddWatch, Auth, Create, CreateForm, PathVersion, PathWatch, Reconfig, SetAcl, SetData, SetWatches,
        Watches,
    },
    response::ClientInfo,
};

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/é\u{0}]{0,12}"
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn data() -> impl Strategy<Value = Option<Bytes>> {
    option::of(vec(any::<u8>(), 0..20).prop_map(Bytes::from))
}

fn acl() -> impl Strategy<Value = Vec<Acl>> {
    let one = (any::<i32>(), text(), text());
    vec(one.prop_map(|(perms, scheme, id)| Acl::new(Perms(perms), Id::new(scheme, id))), 0..3)
}

pub fn stat() -> impl Strategy<Value = Stat> {
    let longs = any::<[i64; 6]>();
    let ints = any::<[i32; 5]>();
    (longs, ints).prop_map(|(longs, ints)| Stat {
        czxid: longs[0],
        mzxid: longs[1],
        ctime: longs[2],
        mtime: longs[3],
        version: ints[0],
        cversion: ints[1],
        aversion: ints[2],
        ephemeral_owner: longs[4],
        data_length: ints[3],
        num_children: ints[4],
        pzxid: longs[5],
    })
}

fn create(flags: impl Strategy<Value = i32>) -> impl Strategy<Value = Request> {
    let form = prop_oneof![
        Just(CreateForm::Create),
        Just(CreateForm::Create2),
        Just(CreateForm::Container),
        any::<i64>().prop_map(CreateForm::Ttl),
    ];
    (form, text(), data(), acl(), flags)
        .prop_map(|(form, path, data, acl, flags)| Request::Create(Create { form, path, data, acl, flags }))
}

fn path_version() -> impl Strategy<Value = PathVersion> {
    (text(), any::<i32>()).prop_map(|(path, version)| PathVersion { path, version })
}

fn path_watch() -> impl Strategy<Value = PathWatch> {
    (text(), any::<bool>()).prop_map(|(path, watch)| PathWatch { path, watch })
}

fn set_data() -> impl Strategy<Value = Request> {
    (text(), data(), any::<i32>())
        .prop_map(|(path, data, version)| Request::SetData(SetData { path, data, version }))
}

fn write() -> impl Strategy<Value = Request> {
    prop_oneof![
        create(0..7),
        path_version().prop_map(Request::Delete),
        path_version().prop_map(Request::Check),
        set_data(),
    ]
}

fn read() -> impl Strategy<Value = Request> {
    prop_oneof![path_watch().prop_map(Request::GetData), path_watch().prop_map(Request::GetChildren)]
}

fn watches() -> impl Strategy<Value = Request> {
    let old = (any::<i64>(), texts(), texts(), texts());
    (old, option::of((texts(), texts()))).prop_map(|((relative_zxid, data, exist, child), more)| {
        let all = more.is_some();
        let (persistent, persistent_recursive) = more.unwrap_or_default();
        let body = SetWatches { relative_zxid, data, exist, child, persistent, persistent_recursive };
        if all { Request::SetWatches2(body) } else { Request::SetWatches(body) }
    })
}

fn rare() -> impl Strategy<Value = Request> {
    let auth = (any::<i32>(), option::of(text()), data());
    let reconfig = (option::of(text()), option::of(text()), option::of(text()), any::<i64>());
    prop_oneof![
        auth.prop_map(|(kind, scheme, auth)| Request::Auth(Auth { kind, scheme, auth })),
        reconfig.prop_map(|(joining, leaving, members, config)| {
            Request::Reconfig(Reconfig { joining, leaving, members, config })
        }),
        (text(), any::<i32>()).prop_map(|(path, mode)| Request::AddWatch(AddWatch { path, mode })),
        (text(), any::<i32>()).prop_map(|(path, kind)| Request::RemoveWatches(Watches { path, kind })),
        (text(), any::<i32>()).prop_map(|(path, kind)| Request::CheckWatches(Watches { path, kind })),
        option::of(text()).prop_map(Request::GetEphemerals),
        data().prop_map(Request::Sasl),
        Just(Request::Ping),
        Just(Request::WhoAmI),
        Just(Request::CloseSession),
    ]
}

pub fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        create(any::<i32>()),
        write(),
        read(),
        watches(),
        rare(),
        path_watch().prop_map(Request::Exists),
        path_watch().prop_map(Request::GetChildren2),
        text().prop_map(Request::GetAcl),
        text().prop_map(Request::Sync),
        text().prop_map(Request::GetAllChildrenNumber),
        (text(), acl(), any::<i32>()).prop_map(|(path, acl, version)| Request::SetAcl(SetAcl {
            path,
            acl,
            version
        })),
        vec(write(), 0..4).prop_map(Request::Multi),
        vec(read(), 0..4).prop_map(Request::MultiRead),
    ]
}

fn part() -> impl Strategy<Value = OpResult> {
    prop_oneof![
        text().prop_map(OpResult::Create),
        (text(), stat()).prop_map(|(path, stat)| OpResult::Create2(Response::Created { path, stat })),
        Just(OpResult::Delete),
        Just(OpResult::Check),
        stat().prop_map(OpResult::SetData),
        texts().prop_map(OpResult::GetChildren),
        (data(), stat()).prop_map(|(data, stat)| OpResult::GetData(Response::Data { data, stat })),
        any::<i32>().prop_map(OpResult::Error),
    ]
}

/// An answer, and an operation that it may be the answer to.
pub fn response() -> impl Strategy<Value = (crate::zookeeper::OpCode, Response)> {
    use crate::zookeeper::OpCode;
    let client = (text(), text()).prop_map(|(scheme, user)| ClientInfo { scheme, user });
    prop_oneof![
        Just((OpCode::Delete, Response::Empty)),
        text().prop_map(|path| (OpCode::Create, Response::Path(path))),
        (text(), stat()).prop_map(|(path, stat)| (OpCode::CreateTtl, Response::Created { path, stat })),
        stat().prop_map(|stat| (OpCode::Exists, Response::Stat(stat))),
        (data(), stat()).prop_map(|(data, stat)| (OpCode::GetData, Response::Data { data, stat })),
        (acl(), stat()).prop_map(|(acl, stat)| (OpCode::GetAcl, Response::Acl { acl, stat })),
        texts().prop_map(|children| (OpCode::GetEphemerals, Response::Children(children))),
        (texts(), stat())
            .prop_map(|(children, stat)| (OpCode::GetChildren2, Response::ChildrenStat { children, stat })),
        any::<i32>().prop_map(|number| (OpCode::GetAllChildrenNumber, Response::Number(number))),
        vec(client, 0..3).prop_map(|clients| (OpCode::WhoAmI, Response::Clients(clients))),
        vec(part(), 0..5).prop_map(|parts| (OpCode::Multi, Response::Multi(parts))),
    ]
}
