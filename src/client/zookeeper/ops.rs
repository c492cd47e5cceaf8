//! The operations, each as a call.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    Acl, CreateMode, Stat, Watch, ZooKeeper, ZooKeeperError,
    orders::{Answer, Ask, Order},
};
use crate::zookeeper::{
    ErrorCode, Request, Response,
    multi::OpResult,
    request::{Create, CreateForm, PathVersion, PathWatch, SetData},
};

/// A version of -1 is any.
const ANY: i32 = -1;

/// A part of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Create {
        path: String,
        data: Bytes,
        mode: CreateMode,
        acl: Vec<Acl>,
    },
    Set {
        path: String,
        data: Bytes,
        version: Option<i32>,
    },
    Delete {
        path: String,
        version: Option<i32>,
    },
    /// The node is there, in this version.
    Check {
        path: String,
        version: Option<i32>,
    },
}

impl Op {
    fn path(&self) -> &str {
        match self {
            Self::Create { path, .. }
            | Self::Set { path, .. }
            | Self::Delete { path, .. }
            | Self::Check { path, .. } => path,
        }
    }
}

impl From<Op> for Request {
    fn from(op: Op) -> Self {
        match op {
            Op::Create { path, data, mode, acl } => create(path, data, mode, acl),
            Op::Set { path, data, version } => {
                Self::SetData(SetData { path, data: Some(data), version: version.unwrap_or(ANY) })
            }
            Op::Delete { path, version } => {
                Self::Delete(PathVersion { path, version: version.unwrap_or(ANY) })
            }
            Op::Check { path, version } => Self::Check(PathVersion { path, version: version.unwrap_or(ANY) }),
        }
    }
}

fn create(path: String, data: Bytes, mode: CreateMode, acl: Vec<Acl>) -> Request {
    let form = if mode.is_container() { CreateForm::Container } else { CreateForm::Create };
    Request::Create(Create { form, path, data: Some(data), acl, flags: mode.flag() })
}

type Answered<T> = Result<T, ZooKeeperError>;

impl ZooKeeper {
    /// Creates a node; gives its path, with the number of a sequential one.
    ///
    /// # Errors
    /// `NodeExists`, `NoNode` (of the parent), `NoChildrenForEphemerals`, `NoAuth`, `InvalidACL`, `BadArguments`;
    /// `ConnectionLoss` when it may or may not be there now.
    pub async fn create(
        &self,
        path: &str,
        data: impl Into<Bytes>,
        mode: CreateMode,
        acl: &[Acl],
    ) -> Answered<String> {
        let request = create(path.to_owned(), data.into(), mode, acl.to_vec());
        match self.ask("create", path, request).await?.response {
            Response::Path(path) | Response::Created { path, .. } => Ok(path),
            _ => Err(unexpected("create", path)),
        }
    }

    /// Sees to it that a persistent node is there, and all above it.
    ///
    /// # Errors
    /// `NoAuth`, `InvalidACL`, `NoChildrenForEphemerals`.
    pub async fn ensure_path(&self, path: &str, acl: &[Acl]) -> Answered<()> {
        if self.exists(path).await?.is_some() {
            return Ok(());
        }
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
        for part in ends.map(|end| &path[..end]).filter(|part| part.len() > 1) {
            loop {
                match self.create(part, Bytes::new(), CreateMode::Persistent, acl).await {
                    Err(error) if error.code == ErrorCode::ConnectionLoss => {}
                    Err(error) if error.code != ErrorCode::NodeExists => return Err(error),
                    Ok(_) | Err(_) => break,
                }
            }
        }
        Ok(())
    }

    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub async fn get(&self, path: &str) -> Answered<(Bytes, Stat)> {
        self.get_data(path, false).await.map(|(data, stat, _)| (data, stat))
    }

    /// The data, and a watch that tells of its next change.
    ///
    /// # Errors
    /// As [`ZooKeeper::get`].
    pub async fn get_watched(&self, path: &str) -> Answered<(Bytes, Stat, Watch)> {
        let (data, stat, watch) = self.get_data(path, true).await?;
        Ok((data, stat, watch.ok_or_else(|| unexpected("getData", path))?))
    }

    async fn get_data(&self, path: &str, watch: bool) -> Answered<(Bytes, Stat, Option<Watch>)> {
        let request = Request::GetData(PathWatch { path: path.to_owned(), watch });
        match self.ask("getData", path, request).await? {
            Answer { response: Response::Data { data, stat }, watch } => {
                Ok((data.unwrap_or_default(), stat, watch))
            }
            _ => Err(unexpected("getData", path)),
        }
    }

    /// Writes data, if the node is in this version.
    ///
    /// # Errors
    /// `NoNode`, `BadVersion`, `NoAuth`; `ConnectionLoss` when it may or may not be written now.
    pub async fn set(&self, path: &str, data: impl Into<Bytes>, version: Option<i32>) -> Answered<Stat> {
        let request = Op::Set { path: path.to_owned(), data: data.into(), version }.into();
        match self.ask("setData", path, request).await?.response {
            Response::Stat(stat) => Ok(stat),
            _ => Err(unexpected("setData", path)),
        }
    }

    /// # Errors
    /// `NoNode`, `NotEmpty`, `BadVersion`, `NoAuth`; `ConnectionLoss` when it may or may not be gone now.
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Answered<()> {
        let request = Op::Delete { path: path.to_owned(), version }.into();
        self.ask("delete", path, request).await.map(drop)
    }

    /// None when there is no such node.
    ///
    /// # Errors
    /// `SessionExpired` and the like only.
    pub async fn exists(&self, path: &str) -> Answered<Option<Stat>> {
        let request = Request::Exists(PathWatch { path: path.to_owned(), watch: false });
        match self.ask("exists", path, request).await {
            Ok(Answer { response: Response::Stat(stat), .. }) => Ok(Some(stat)),
            Err(error) if error.code == ErrorCode::NoNode => Ok(None),
            Err(error) => Err(error),
            Ok(_) => Err(unexpected("exists", path)),
        }
    }

    /// As [`ZooKeeper::exists`], and a watch that tells of the node's coming, change or end.
    ///
    /// # Errors
    /// As [`ZooKeeper::exists`].
    pub async fn exists_watched(&self, path: &str) -> Answered<(Option<Stat>, Watch)> {
        let request = Request::Exists(PathWatch { path: path.to_owned(), watch: true });
        let Answer { response, watch } = self.ask("exists", path, request).await?;
        let stat = if let Response::Stat(stat) = response { Some(stat) } else { None };
        Ok((stat, watch.ok_or_else(|| unexpected("exists", path))?))
    }

    /// The names of the children, in no order.
    ///
    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub async fn children(&self, path: &str) -> Answered<Vec<String>> {
        self.get_children(path, false).await.map(|(children, _)| children)
    }

    /// The names of the children, and a watch that tells when there are others.
    ///
    /// # Errors
    /// As [`ZooKeeper::children`].
    pub async fn children_watched(&self, path: &str) -> Answered<(Vec<String>, Watch)> {
        let (children, watch) = self.get_children(path, true).await?;
        Ok((children, watch.ok_or_else(|| unexpected("getChildren", path))?))
    }

    async fn get_children(&self, path: &str, watch: bool) -> Answered<(Vec<String>, Option<Watch>)> {
        let request = Request::GetChildren(PathWatch { path: path.to_owned(), watch });
        match self.ask("getChildren", path, request).await? {
            Answer { response: Response::Children(children), watch } => Ok((children, watch)),
            _ => Err(unexpected("getChildren", path)),
        }
    }

    /// Does all of it or nothing; gives the paths that were created, in their order.
    ///
    /// # Errors
    /// That of the first part that cannot be done, with its path; `ConnectionLoss` when all or nothing may be done now.
    pub async fn multi(&self, ops: Vec<Op>) -> Answered<Vec<String>> {
        let paths: Vec<String> = ops.iter().map(|op| op.path().to_owned()).collect();
        let request = Request::Multi(ops.into_iter().map(Request::from).collect());
        let first = paths.first().map_or("", String::as_str);
        let Response::Multi(results) = self.ask("multi", first, request).await?.response else {
            return Err(unexpected("multi", first));
        };
        let failed = results.iter().zip(&paths).find_map(|(result, path)| match result.error() {
            Some(ErrorCode::RuntimeInconsistency) | None => None,
            Some(code) => Some(ZooKeeperError::new(code, "multi", path)),
        });
        let created = results.into_iter().filter_map(|result| match result {
            OpResult::Create(path) | OpResult::Create2(Response::Created { path, .. }) => Some(path),
            _ => None,
        });
        failed.map_or_else(|| Ok(created.collect()), Err)
    }

    /// Waits until the server has done all that was done before.
    ///
    /// # Errors
    /// `SessionExpired` and the like only.
    pub async fn sync(&self, path: &str) -> Answered<()> {
        self.ask("sync", path, Request::Sync(path.to_owned())).await.map(drop)
    }

    /// Any request; see [`Request`].
    ///
    /// # Errors
    /// Whatever the server says.
    pub async fn request(&self, request: Request) -> Answered<Response> {
        let action = request.op().name();
        self.ask(action, "", request).await.map(|answer| answer.response)
    }

    async fn ask(&self, action: &'static str, path: &str, request: Request) -> Answered<Answer> {
        let (reply, answer) = oneshot::channel();
        drop(self.orders.send(Order::Request(Ask { request, reply })));
        let answer = answer.await.unwrap_or_else(|_| Err(self.state().error()));
        answer.map_err(|code| ZooKeeperError::new(code, action, path))
    }
}

fn unexpected(action: &'static str, path: &str) -> ZooKeeperError {
    ZooKeeperError::new(ErrorCode::MarshallingError, action, path)
}
