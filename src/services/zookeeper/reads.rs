//! What changes no node: reads, and all about watches.

use super::{
    access,
    server::{Asked, Server},
    tree::Node,
    watches::Kind,
};
use crate::zookeeper::{
    ErrorCode, Id, Perms, Request, Response,
    multi::OpResult,
    request::{AddWatch, PathWatch, SetWatches, Watches},
};

type Answer = Result<Response, ErrorCode>;

impl Server {
    pub(super) fn read(&mut self, asked: Asked, request: Request) -> Answer {
        match request {
            Request::Exists(read) => self.exists(asked, &read),
            Request::GetData(read) => self.get_data(asked, &read),
            Request::GetChildren(read) => self.get_children(asked, &read, false),
            Request::GetChildren2(read) => self.get_children(asked, &read, true),
            Request::GetAcl(path) => self.get_acl(asked, &path),
            Request::GetAllChildrenNumber(path) => self.count(asked, &path),
            Request::GetEphemerals(prefix) => Ok(self.ephemerals(asked, prefix.as_deref())),
            Request::MultiRead(reads) => self.multi_read(asked, reads),
            Request::Sync(path) => Ok(Response::Path(path)),
            Request::Ping => Ok(Response::Empty),
            Request::WhoAmI => Ok(Response::Clients(access::clients(self.identities(asked)))),
            Request::SetWatches(watches) | Request::SetWatches2(watches) => {
                self.set_watches(asked, &watches);
                Ok(Response::Empty)
            }
            Request::AddWatch(watch) => self.add_watch(asked, &watch),
            Request::RemoveWatches(watches) => {
                let kind = Kind::from_code(watches.kind).ok_or(ErrorCode::MarshallingError)?;
                found(self.watches.remove(&watches.path, kind, asked.connection))
            }
            Request::CheckWatches(watches) => self.check_watches(&watches),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    fn identities(&self, asked: Asked) -> &[Id] {
        self.connections.get(&asked.connection).map_or(&[], |connection| &connection.identities)
    }

    fn node(&self, asked: Asked, path: &str, perms: Perms) -> Result<&Node, ErrorCode> {
        let node = self.tree.get(path).ok_or(ErrorCode::NoNode)?;
        access::check(&node.acl, perms, self.identities(asked))?;
        Ok(node)
    }

    /// The watch stays also when there is no node: it waits for one.
    fn exists(&mut self, asked: Asked, read: &PathWatch) -> Answer {
        if read.path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let stat = match self.node(asked, &read.path, Perms::READ) {
            Ok(node) => Ok(Response::Stat(node.stat())),
            Err(ErrorCode::NoNode) => Err(ErrorCode::NoNode),
            Err(other) => return Err(other),
        };
        if read.watch {
            self.watches.watch_data(&read.path, asked.connection);
        }
        stat
    }

    fn get_data(&mut self, asked: Asked, read: &PathWatch) -> Answer {
        let node = self.node(asked, &read.path, Perms::READ)?;
        let answer = Response::Data { data: node.data.clone(), stat: node.stat() };
        if read.watch {
            self.watches.watch_data(&read.path, asked.connection);
        }
        Ok(answer)
    }

    fn get_children(&mut self, asked: Asked, read: &PathWatch, with_stat: bool) -> Answer {
        let node = self.node(asked, &read.path, Perms::READ)?;
        let stat = node.stat();
        let children = node.children.iter().map(|name| name.as_ref().to_owned()).collect();
        if read.watch {
            self.watches.watch_children(&read.path, asked.connection);
        }
        Ok(if with_stat { Response::ChildrenStat { children, stat } } else { Response::Children(children) })
    }

    fn get_acl(&self, asked: Asked, path: &str) -> Answer {
        let node = self.node(asked, path, Perms::READ | Perms::ADMIN)?;
        let admin = access::check(&node.acl, Perms::ADMIN, self.identities(asked)).is_ok();
        let acl = if admin { node.acl.to_vec() } else { access::without_hashes(&node.acl) };
        Ok(Response::Acl { acl, stat: node.stat() })
    }

    fn count(&self, asked: Asked, path: &str) -> Answer {
        self.node(asked, path, Perms::READ)?;
        Ok(Response::Number(i32::try_from(self.tree.count_below(path)).unwrap_or(i32::MAX)))
    }

    fn ephemerals(&self, asked: Asked, prefix: Option<&str>) -> Response {
        let prefix = prefix.filter(|prefix| !matches!(prefix.trim(), "" | "/")).unwrap_or_default();
        let own = self.tree.ephemerals_of(asked.session).filter(|path| path.starts_with(prefix));
        Response::Children(own.map(str::to_owned).collect())
    }

    fn multi_read(&mut self, asked: Asked, reads: Vec<Request>) -> Answer {
        let mut results = Vec::new();
        for read in reads {
            results.push(match self.read_part(asked, read) {
                Ok(Response::Children(children)) => OpResult::GetChildren(children),
                Ok(data @ Response::Data { .. }) => OpResult::GetData(data),
                Ok(_) => return Err(ErrorCode::MarshallingError),
                Err(error) => OpResult::Error(error.code()),
            });
        }
        Ok(Response::Multi(results))
    }

    /// Reads of a transaction leave no watches.
    fn read_part(&mut self, asked: Asked, read: Request) -> Answer {
        match read {
            Request::GetData(read) => self.get_data(asked, &PathWatch { watch: false, ..read }),
            Request::GetChildren(read) => {
                self.get_children(asked, &PathWatch { watch: false, ..read }, false)
            }
            _ => Ok(Response::Empty),
        }
    }

    fn set_watches(&mut self, asked: Asked, watches: &SetWatches) {
        let told = self.watches.set(watches, asked.connection, &self.tree);
        self.tell(told);
    }

    fn add_watch(&mut self, asked: Asked, watch: &AddWatch) -> Answer {
        let added = self.watches.watch_always(&watch.path, asked.connection, watch.mode);
        if added { Ok(Response::Number(0)) } else { Err(ErrorCode::MarshallingError) }
    }

    fn check_watches(&self, watches: &Watches) -> Answer {
        let kind = Kind::from_code(watches.kind).ok_or(ErrorCode::MarshallingError)?;
        found(self.watches.contains(&watches.path, kind))
    }
}

fn found(watches: bool) -> Answer {
    if watches { Ok(Response::Empty) } else { Err(ErrorCode::NoWatcher) }
}
