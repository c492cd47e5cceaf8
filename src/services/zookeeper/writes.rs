//! Writes: prepared, numbered, done, told and answered.

use super::{
    access,
    prepare::{Ahead, Writer},
    server::{Asked, Server, millis},
    txn::{Entry, Txn},
    watches::Told,
};
use crate::{
    mesos::time::Time,
    zookeeper::{Acl, ErrorCode, OpCode, Perms, Request, Response, jute::Jute, multi::OpResult},
};

impl Server {
    /// Does a transaction under the next number; gives what each part leaves behind.
    pub(super) fn commit(&mut self, now: Time, session: i64, txn: Txn) -> Vec<Response> {
        self.zxid += 1;
        let entry = Entry { zxid: self.zxid, time: millis(now), session, txn };
        self.effects.push(super::Effect::Append(entry.to_bytes()));
        let mut left = Vec::new();
        for part in entry.txn.parts() {
            let mut changed = Vec::new();
            self.tree.apply(&entry, part, &mut changed);
            left.push(self.left_by(part));
            for change in changed {
                self.schedule_reaping_of(now, &change.path);
                let told = self.watches.tell(&change);
                let may_know = |(told, acl): (Told, &[Acl])| {
                    let watcher = self.connections.get(&told.0)?;
                    access::check(acl, Perms::READ, &watcher.identities).is_ok().then_some(told)
                };
                let told = told.into_iter().filter_map(may_know).collect();
                self.tell(told);
            }
        }
        left
    }

    fn left_by(&self, part: &Txn) -> Response {
        let stat = |path: &str| self.tree.get(path).map(|node| node.stat()).unwrap_or_default();
        match part {
            Txn::Create { path, .. } => Response::Created { path: path.clone(), stat: stat(path) },
            Txn::SetData { path, .. } | Txn::SetAcl { path, .. } => Response::Stat(stat(path)),
            _ => Response::Empty,
        }
    }

    pub(super) fn write(&mut self, asked: Asked, op: OpCode, request: Result<Request, ErrorCode>) {
        let response = match request {
            Ok(Request::Multi(ops)) => Ok(self.multi(asked, &ops)),
            Ok(request) => self.single(asked, &request),
            Err(unreadable) if op == OpCode::Reconfig => Err(unreadable),
            Err(unreadable) => Err(self.refused(asked, unreadable)),
        };
        self.reply(asked, response);
    }

    /// A refused write has a number too.
    fn refused(&mut self, asked: Asked, error: ErrorCode) -> ErrorCode {
        self.commit(asked.at, asked.session, Txn::Error(error.code()));
        error
    }

    fn prepare<T>(&self, asked: Asked, prepare: impl FnOnce(&mut Ahead<'_>) -> T) -> T {
        let identities = self.connections.get(&asked.connection).map(|known| known.identities.as_slice());
        let writer = Writer { session: asked.session, identities: identities.unwrap_or_default() };
        prepare(&mut Ahead::new(&self.tree, writer))
    }

    fn single(&mut self, asked: Asked, request: &Request) -> Result<Response, ErrorCode> {
        let prepared = self.prepare(asked, |ahead| ahead.prepare(request));
        let txn = prepared.map_err(|error| self.refused(asked, error))?;
        let left = self.commit(asked.at, asked.session, txn).pop();
        Ok(answer(request.op(), left.unwrap_or(Response::Empty)))
    }

    fn multi(&mut self, asked: Asked, ops: &[Request]) -> Response {
        let prepared = self.prepare(asked, |ahead| {
            let mut txns = Vec::new();
            for op in ops {
                txns.push(ahead.prepare(op).map_err(|error| (txns.len(), error))?);
            }
            Ok(txns)
        });
        match prepared {
            Ok(txns) => {
                let left = self.commit(asked.at, asked.session, Txn::Multi(txns));
                Response::Multi(ops.iter().zip(left).map(|(op, left)| result(op.op(), left)).collect())
            }
            Err((failed, error)) => {
                self.refused(asked, error);
                Response::Multi((0..ops.len()).map(|part| failure(part, failed, error)).collect())
            }
        }
    }
}

/// What of a part is answered.
fn answer(op: OpCode, left: Response) -> Response {
    match (op, left) {
        (OpCode::Create, Response::Created { path, .. }) => Response::Path(path),
        (_, left) => left,
    }
}

fn result(op: OpCode, left: Response) -> OpResult {
    match (op, left) {
        (OpCode::Create, Response::Created { path, .. }) => OpResult::Create(path),
        (_, created @ Response::Created { .. }) => OpResult::Create2(created),
        (_, Response::Stat(stat)) => OpResult::SetData(stat),
        (OpCode::Delete, _) => OpResult::Delete,
        _ => OpResult::Check,
    }
}

/// Why a part of a transaction was not done, of which one failed.
fn failure(part: usize, failed: usize, error: ErrorCode) -> OpResult {
    OpResult::Error(match part.cmp(&failed) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => error.code(),
        std::cmp::Ordering::Greater => ErrorCode::RuntimeInconsistency.code(),
    })
}
