//! Whether a write can be done, and as which transaction: checked against the tree and against what the parts before it
//! in the same transaction will have changed.

use std::{collections::HashMap, sync::Arc};

use super::{
    access, path,
    tree::Tree,
    txn::{Txn, owner},
};
use crate::zookeeper::{
    Acl, CreateMode, ErrorCode, Id, Perms, Request,
    request::{Create, CreateForm, PathVersion, SetAcl, SetData},
};

/// Who wants to write.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    pub session: i64,
    pub identities: &'a [Id],
}

/// What matters of a node to those who check.
#[derive(Clone, Debug)]
struct Record {
    version: i32,
    aversion: i32,
    /// How many children were ever created.
    cversion: i32,
    children: usize,
    owner: i64,
    acl: Arc<[Acl]>,
}

/// The tree as it will be after some writes.
pub struct Ahead<'a> {
    tree: &'a Tree,
    writer: Writer<'a>,
    /// None: deleted.
    changed: HashMap<String, Option<Record>>,
}

impl<'a> Ahead<'a> {
    pub fn new(tree: &'a Tree, writer: Writer<'a>) -> Self {
        Self { tree, writer, changed: HashMap::new() }
    }

    /// The transaction that does `request`, which is taken as done from here on.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn prepare(&mut self, request: &Request) -> Result<Txn, ErrorCode> {
        match request {
            Request::Create(create) => self.create(create),
            Request::Delete(delete) => self.delete(delete),
            Request::SetData(set) => self.set_data(set),
            Request::SetAcl(set) => self.set_acl(set),
            Request::Check(check) => self.check(check),
            Request::Reconfig(_) => Err(ErrorCode::ReconfigDisabled),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    fn record(&self, path: &str) -> Result<Record, ErrorCode> {
        let path = path::canonical(path);
        if let Some(changed) = self.changed.get(path) {
            return changed.clone().ok_or(ErrorCode::NoNode);
        }
        let node = self.tree.get(path).ok_or(ErrorCode::NoNode)?;
        let stat = node.kept();
        Ok(Record {
            version: stat.version,
            aversion: stat.aversion,
            cversion: stat.cversion,
            children: node.children.len(),
            owner: stat.ephemeral_owner,
            acl: node.acl.clone(),
        })
    }

    fn change(&mut self, path: &str, record: Option<Record>) {
        self.changed.insert(path::canonical(path).to_owned(), record);
    }

    fn allowed(&self, record: &Record, perms: Perms) -> Result<(), ErrorCode> {
        access::check(&record.acl, perms, self.writer.identities)
    }

    fn create(&mut self, create: &Create) -> Result<Txn, ErrorCode> {
        let mode = CreateMode::from_flag(create.flags).ok_or(ErrorCode::BadArguments)?;
        let owner = owner_of(create, mode, self.writer.session)?;
        let parent_path = path::parent(&create.path)?;
        let acl = access::resolve(&create.acl, self.writer.identities)?;
        let parent = self.record(parent_path)?;
        self.allowed(&parent, Perms::CREATE)?;
        let path = if mode.is_sequential() {
            format!("{}{:010}", create.path, parent.cversion)
        } else {
            create.path.clone()
        };
        path::validate(&path)?;
        if self.record(&path).is_ok() {
            return Err(ErrorCode::NodeExists);
        }
        if owner::is_session(parent.owner) {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        if parent_path == path::QUOTA || parent_path.starts_with("/zookeeper/quota/") {
            return Err(ErrorCode::Unimplemented);
        }
        let parent_cversion = parent.cversion.wrapping_add(1);
        self.change(
            parent_path,
            Some(Record { cversion: parent_cversion, children: parent.children + 1, ..parent }),
        );
        let own =
            Record { version: 0, aversion: 0, cversion: 0, children: 0, owner, acl: acl.as_slice().into() };
        self.change(&path, Some(own));
        Ok(Txn::Create { path, data: create.data.clone(), acl, owner, parent_cversion })
    }

    fn delete(&mut self, delete: &PathVersion) -> Result<Txn, ErrorCode> {
        let parent_path = path::parent_of_deletable(&delete.path)?;
        let parent = self.record(parent_path)?;
        self.allowed(&parent, Perms::DELETE)?;
        let record = self.record(&delete.path)?;
        next_version(record.version, delete.version)?;
        self.deleted(&delete.path, parent_path, parent, &record)
    }

    fn deleted(
        &mut self,
        path: &str,
        parent_path: &str,
        parent: Record,
        own: &Record,
    ) -> Result<Txn, ErrorCode> {
        if own.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        self.change(parent_path, Some(Record { children: parent.children.saturating_sub(1), ..parent }));
        self.change(path, None);
        Ok(Txn::Delete { path: path.to_owned() })
    }

    /// The deletion of a container or of a node whose time to live is over, on behalf of the server itself.
    ///
    /// # Errors
    /// When it has children, is of another kind or is gone.
    pub fn reap(&mut self, path: &str) -> Result<Txn, ErrorCode> {
        let parent_path = path::parent_of_deletable(path)?;
        let (own, parent) = (self.record(path)?, self.record(parent_path)?);
        if owner::is_session(own.owner) || own.owner == 0 {
            return Err(ErrorCode::BadVersion);
        }
        self.deleted(path, parent_path, parent, &own)
    }

    fn set_data(&mut self, set: &SetData) -> Result<Txn, ErrorCode> {
        path::validate(&set.path)?;
        let record = self.record(&set.path)?;
        self.allowed(&record, Perms::WRITE)?;
        let version = next_version(record.version, set.version)?;
        self.change(&set.path, Some(Record { version, ..record }));
        Ok(Txn::SetData { path: set.path.clone(), data: set.data.clone(), version })
    }

    fn set_acl(&mut self, set: &SetAcl) -> Result<Txn, ErrorCode> {
        path::validate(&set.path)?;
        let acl = access::resolve(&set.acl, self.writer.identities)?;
        let record = self.record(&set.path)?;
        self.allowed(&record, Perms::ADMIN)?;
        let version = next_version(record.aversion, set.version)?;
        self.change(&set.path, Some(Record { aversion: version, acl: acl.as_slice().into(), ..record }));
        Ok(Txn::SetAcl { path: set.path.clone(), acl, version })
    }

    fn check(&mut self, check: &PathVersion) -> Result<Txn, ErrorCode> {
        path::validate(&check.path)?;
        let record = self.record(&check.path)?;
        self.allowed(&record, Perms::READ)?;
        next_version(record.version, check.version)?;
        Ok(Txn::Check { path: check.path.clone() })
    }
}

/// The owner that the stat of a new node tells.
fn owner_of(create: &Create, mode: CreateMode, session: i64) -> Result<i64, ErrorCode> {
    let ttl = if let CreateForm::Ttl(ttl) = create.form { ttl } else { -1 };
    let with_ttl = owner::with_ttl(ttl);
    if mode.is_ttl() && with_ttl.is_none() || !mode.is_ttl() && ttl >= 0 {
        return Err(ErrorCode::BadArguments);
    }
    Ok(match create.form {
        CreateForm::Container => owner::CONTAINER,
        CreateForm::Ttl(_) => with_ttl.ok_or(ErrorCode::BadArguments)?,
        CreateForm::Create | CreateForm::Create2 if mode.is_ephemeral() => session,
        CreateForm::Create | CreateForm::Create2 => 0,
    })
}

/// -1 is any version.
fn next_version(current: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected == -1 || expected == current {
        Ok(current.wrapping_add(1))
    } else {
        Err(ErrorCode::BadVersion)
    }
}
