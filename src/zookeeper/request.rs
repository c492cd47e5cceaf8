//! What clients ask for.

use bytes::{Bytes, BytesMut};

use super::{
    Acl, OpCode, RequestHeader,
    jute::{Jute, JuteError, record},
    multi,
};

/// How a creation is asked for: it decides what the answer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreateForm {
    /// Answered with the path alone.
    #[default]
    Create,
    /// Answered with path and stat, as the others are.
    Create2,
    Container,
    /// With a time to live in milliseconds.
    Ttl(i64),
}

/// A node to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Create {
    pub form: CreateForm,
    /// Of a sequential node: without its number.
    pub path: String,
    pub data: Option<Bytes>,
    pub acl: Vec<Acl>,
    /// See [`super::CreateMode`].
    pub flags: i32,
}

record! {
    /// A node to delete, or whose version is to be checked; version -1 is any.
    PathVersion {
        path: String,
        version: i32,
    }
}

record! {
    /// A node to read, and perhaps to watch.
    PathWatch {
        path: String,
        watch: bool,
    }
}

record! {
    /// New data of a node; version -1 is any.
    SetData {
        path: String,
        data: Option<Bytes>,
        version: i32,
    }
}

record! {
    /// A new ACL of a node; the version is that of the ACL, -1 is any.
    SetAcl {
        path: String,
        acl: Vec<Acl>,
        version: i32,
    }
}

record! {
    /// Who the client is, beside its address.
    Auth {
        kind: i32,
        scheme: Option<String>,
        auth: Option<Bytes>,
    }
}

/// The watches that a client had before its connection broke.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetWatches {
    /// The last transaction that the client has seen.
    pub relative_zxid: i64,
    pub data: Vec<String>,
    pub exist: Vec<String>,
    pub child: Vec<String>,
    /// These two in `setWatches2` only.
    pub persistent: Vec<String>,
    pub persistent_recursive: Vec<String>,
}

record! {
    /// A watch of `mode` 0 (persistent) or 1 (persistent and recursive).
    AddWatch {
        path: String,
        mode: i32,
    }
}

record! {
    /// Watches by what they are for: 1 children, 2 data, 3 any.
    Watches {
        path: String,
        kind: i32,
    }
}

record! {
    /// A change of the ensemble, which a server that is alone refuses.
    Reconfig {
        joining: Option<String>,
        leaving: Option<String>,
        members: Option<String>,
        config: i64,
    }
}

/// A request without its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Create(Create),
    Delete(PathVersion),
    Exists(PathWatch),
    GetData(PathWatch),
    SetData(SetData),
    GetAcl(String),
    SetAcl(SetAcl),
    GetChildren(PathWatch),
    GetChildren2(PathWatch),
    /// Waits for all writes before it.
    Sync(String),
    Ping,
    Check(PathVersion),
    Multi(Vec<Request>),
    MultiRead(Vec<Request>),
    Auth(Auth),
    /// Sasl's token, which we refuse.
    Sasl(Option<Bytes>),
    SetWatches(SetWatches),
    SetWatches2(SetWatches),
    AddWatch(AddWatch),
    RemoveWatches(Watches),
    CheckWatches(Watches),
    WhoAmI,
    /// The session's own ephemeral nodes below a prefix.
    GetEphemerals(Option<String>),
    GetAllChildrenNumber(String),
    CloseSession,
    Reconfig(Reconfig),
}

impl Request {
    pub fn op(&self) -> OpCode {
        match self {
            Self::Create(create) => match create.form {
                CreateForm::Create => OpCode::Create,
                CreateForm::Create2 => OpCode::Create2,
                CreateForm::Container => OpCode::CreateContainer,
                CreateForm::Ttl(_) => OpCode::CreateTtl,
            },
            Self::Delete(_) => OpCode::Delete,
            Self::Exists(_) => OpCode::Exists,
            Self::GetData(_) => OpCode::GetData,
            Self::SetData(_) => OpCode::SetData,
            Self::GetAcl(_) => OpCode::GetAcl,
            Self::SetAcl(_) => OpCode::SetAcl,
            Self::GetChildren(_) => OpCode::GetChildren,
            Self::GetChildren2(_) => OpCode::GetChildren2,
            Self::Sync(_) => OpCode::Sync,
            Self::Ping => OpCode::Ping,
            Self::Check(_) => OpCode::Check,
            Self::Multi(_) => OpCode::Multi,
            Self::MultiRead(_) => OpCode::MultiRead,
            Self::Auth(_) => OpCode::Auth,
            Self::Sasl(_) => OpCode::Sasl,
            Self::SetWatches(_) => OpCode::SetWatches,
            Self::SetWatches2(_) => OpCode::SetWatches2,
            Self::AddWatch(_) => OpCode::AddWatch,
            Self::RemoveWatches(_) => OpCode::RemoveWatches,
            Self::CheckWatches(_) => OpCode::CheckWatches,
            Self::WhoAmI => OpCode::WhoAmI,
            Self::GetEphemerals(_) => OpCode::GetEphemerals,
            Self::GetAllChildrenNumber(_) => OpCode::GetAllChildrenNumber,
            Self::CloseSession => OpCode::CloseSession,
            Self::Reconfig(_) => OpCode::Reconfig,
        }
    }

    /// The content of a frame: header and body.
    pub fn to_frame(&self, xid: i32) -> Bytes {
        let mut out = BytesMut::new();
        RequestHeader { xid, op: self.op().code() }.write(&mut out);
        self.write_body(&mut out);
        out.freeze()
    }

    /// What follows the header.
    pub fn write_body(&self, out: &mut BytesMut) {
        match self {
            Self::Create(create) => write_create(create, out),
            Self::Delete(body) | Self::Check(body) => body.write(out),
            Self::Exists(body) | Self::GetData(body) => body.write(out),
            Self::GetChildren(body) | Self::GetChildren2(body) => body.write(out),
            Self::SetData(body) => body.write(out),
            Self::GetAcl(path) | Self::Sync(path) | Self::GetAllChildrenNumber(path) => path.write(out),
            Self::SetAcl(body) => body.write(out),
            Self::Ping | Self::WhoAmI | Self::CloseSession => {}
            Self::Multi(ops) | Self::MultiRead(ops) => multi::write_ops(ops, out),
            Self::Auth(body) => body.write(out),
            Self::Sasl(token) => token.write(out),
            Self::SetWatches(body) => write_watches(body, false, out),
            Self::SetWatches2(body) => write_watches(body, true, out),
            Self::AddWatch(body) => body.write(out),
            Self::RemoveWatches(body) | Self::CheckWatches(body) => body.write(out),
            Self::GetEphemerals(prefix) => prefix.write(out),
            Self::Reconfig(body) => body.write(out),
        }
    }

    /// What follows a header with `op`; bytes behind it are left alone, as Java does.
    ///
    /// # Errors
    /// When the body is no such request, or no client may ask for `op`.
    pub fn read_body(op: OpCode, input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(match op {
            OpCode::Create => Self::Create(read_create(CreateForm::Create, input)?),
            OpCode::Create2 => Self::Create(read_create(CreateForm::Create2, input)?),
            OpCode::CreateContainer => Self::Create(read_create(CreateForm::Container, input)?),
            OpCode::CreateTtl => Self::Create(read_create(CreateForm::Ttl(0), input)?),
            OpCode::Delete => Self::Delete(Jute::read(input)?),
            OpCode::Exists => Self::Exists(Jute::read(input)?),
            OpCode::GetData => Self::GetData(Jute::read(input)?),
            OpCode::SetData => Self::SetData(Jute::read(input)?),
            OpCode::GetAcl => Self::GetAcl(Jute::read(input)?),
            OpCode::SetAcl => Self::SetAcl(Jute::read(input)?),
            OpCode::GetChildren => Self::GetChildren(Jute::read(input)?),
            OpCode::GetChildren2 => Self::GetChildren2(Jute::read(input)?),
            OpCode::Sync => Self::Sync(Jute::read(input)?),
            OpCode::Ping => Self::Ping,
            OpCode::Check => Self::Check(Jute::read(input)?),
            OpCode::Multi => Self::Multi(multi::read_ops(input)?),
            OpCode::MultiRead => Self::MultiRead(multi::read_ops(input)?),
            OpCode::Auth => Self::Auth(Jute::read(input)?),
            OpCode::Sasl => Self::Sasl(Jute::read(input)?),
            OpCode::SetWatches => Self::SetWatches(read_watches(false, input)?),
            OpCode::SetWatches2 => Self::SetWatches2(read_watches(true, input)?),
            OpCode::AddWatch => Self::AddWatch(Jute::read(input)?),
            OpCode::RemoveWatches => Self::RemoveWatches(Jute::read(input)?),
            OpCode::CheckWatches => Self::CheckWatches(Jute::read(input)?),
            OpCode::WhoAmI => Self::WhoAmI,
            OpCode::GetEphemerals => Self::GetEphemerals(Jute::read(input)?),
            OpCode::GetAllChildrenNumber => Self::GetAllChildrenNumber(Jute::read(input)?),
            OpCode::CloseSession => Self::CloseSession,
            OpCode::Reconfig => Self::Reconfig(Jute::read(input)?),
            OpCode::DeleteContainer | OpCode::CreateSession | OpCode::Error => {
                return Err(JuteError::Operation(op.code()));
            }
        })
    }
}

fn write_create(create: &Create, out: &mut BytesMut) {
    create.path.write(out);
    create.data.write(out);
    create.acl.write(out);
    create.flags.write(out);
    if let CreateForm::Ttl(ttl) = create.form {
        ttl.write(out);
    }
}

fn read_create(form: CreateForm, input: &mut Bytes) -> Result<Create, JuteError> {
    let (path, data) = (Jute::read(input)?, Jute::read(input)?);
    let (acl, flags) = (Jute::read(input)?, Jute::read(input)?);
    let form = if let CreateForm::Ttl(_) = form { CreateForm::Ttl(Jute::read(input)?) } else { form };
    Ok(Create { form, path, data, acl, flags })
}

fn write_watches(watches: &SetWatches, all: bool, out: &mut BytesMut) {
    watches.relative_zxid.write(out);
    watches.data.write(out);
    watches.exist.write(out);
    watches.child.write(out);
    if all {
        watches.persistent.write(out);
        watches.persistent_recursive.write(out);
    }
}

fn read_watches(all: bool, input: &mut Bytes) -> Result<SetWatches, JuteError> {
    let mut watches = SetWatches {
        relative_zxid: Jute::read(input)?,
        data: Jute::read(input)?,
        exist: Jute::read(input)?,
        child: Jute::read(input)?,
        ..SetWatches::default()
    };
    if all {
        watches.persistent = Jute::read(input)?;
        watches.persistent_recursive = Jute::read(input)?;
    }
    Ok(watches)
}
