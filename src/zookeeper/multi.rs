//! Transactions: operations of which all or none are done, and reads that are answered together.
//!
//! ```text
//! (MultiHeader{op, done: false, -1} | request)* | MultiHeader{-1, done: true, -1}
//! (MultiHeader{op, done: false, error} | response)* | MultiHeader{-1, done: true, -1}
//! ```

use bytes::{Bytes, BytesMut};

use super::{
    CreateMode, ErrorCode, OpCode, Request, Response,
    jute::{Jute, JuteError, record},
};

record! {
    /// Before each part.
    #[derive(Copy)]
    MultiHeader {
        op: i32,
        done: bool,
        err: i32,
    }
}

const END: MultiHeader = MultiHeader { op: -1, done: true, err: -1 };

/// Whether a transaction can hold it; reads stand in [`Request::MultiRead`] only.
fn fits(op: OpCode) -> bool {
    use OpCode::{Check, Create, Create2, CreateContainer, CreateTtl, Delete, GetChildren, GetData, SetData};
    matches!(
        op,
        Create | Create2 | CreateContainer | CreateTtl | Delete | SetData | Check | GetChildren | GetData
    )
}

fn is_read(op: OpCode) -> bool {
    matches!(op, OpCode::GetChildren | OpCode::GetData)
}

pub(super) fn write_ops(ops: &[Request], out: &mut BytesMut) {
    for op in ops {
        MultiHeader { op: op.op().code(), done: false, err: -1 }.write(out);
        op.write_body(out);
    }
    END.write(out);
}

/// # Errors
/// When a part cannot be read, cannot be in a transaction, or reads and writes are mixed.
pub(super) fn read_ops(input: &mut Bytes) -> Result<Vec<Request>, JuteError> {
    let mut ops: Vec<Request> = Vec::new();
    loop {
        let header = MultiHeader::read(input)?;
        if header.done {
            return Ok(ops);
        }
        let unfit = JuteError::Operation(header.op);
        let op = OpCode::from_code(header.op).filter(|op| fits(*op)).ok_or(unfit)?;
        let request = Request::read_body(op, input)?;
        known_mode(&request)?;
        if ops.first().is_some_and(|first| is_read(first.op()) != is_read(op)) {
            return Err(unfit);
        }
        ops.push(request);
    }
}

/// Alone an unknown mode is a bad argument; in a transaction it is not read at all.
fn known_mode(request: &Request) -> Result<(), JuteError> {
    match request {
        Request::Create(create) if CreateMode::from_flag(create.flags).is_none() => {
            Err(JuteError::CreateMode(create.flags))
        }
        _ => Ok(()),
    }
}

/// What became of one part of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpResult {
    Create(String),
    /// Also of the other creations that answer with a stat.
    Create2(Response),
    Delete,
    Check,
    SetData(super::Stat),
    GetChildren(Vec<String>),
    GetData(Response),
    /// Why it failed; the parts before the failed one say 0, those behind it `RuntimeInconsistency`.
    Error(i32),
}

impl OpResult {
    pub fn error(&self) -> Option<ErrorCode> {
        match self {
            Self::Error(code) => ErrorCode::from_code(*code),
            _ => None,
        }
    }

    fn op(&self) -> OpCode {
        match self {
            Self::Create(_) => OpCode::Create,
            Self::Create2(_) => OpCode::Create2,
            Self::Delete => OpCode::Delete,
            Self::Check => OpCode::Check,
            Self::SetData(_) => OpCode::SetData,
            Self::GetChildren(_) => OpCode::GetChildren,
            Self::GetData(_) => OpCode::GetData,
            Self::Error(_) => OpCode::Error,
        }
    }

    fn write(&self, out: &mut BytesMut) {
        let err = if let Self::Error(err) = self { *err } else { 0 };
        MultiHeader { op: self.op().code(), done: false, err }.write(out);
        match self {
            Self::Create(path) => path.write(out),
            Self::Create2(response) | Self::GetData(response) => response.write_body(out),
            Self::Delete | Self::Check => {}
            Self::SetData(stat) => stat.write(out),
            Self::GetChildren(children) => children.write(out),
            Self::Error(err) => err.write(out),
        }
    }

    fn read(op: i32, input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(match OpCode::from_code(op) {
            Some(OpCode::Create) => Self::Create(Jute::read(input)?),
            Some(OpCode::Create2) => Self::Create2(Response::read_body(OpCode::Create2, input)?),
            Some(OpCode::Delete) => Self::Delete,
            Some(OpCode::Check) => Self::Check,
            Some(OpCode::SetData) => Self::SetData(Jute::read(input)?),
            Some(OpCode::GetChildren) => Self::GetChildren(Jute::read(input)?),
            Some(OpCode::GetData) => Self::GetData(Response::read_body(OpCode::GetData, input)?),
            Some(OpCode::Error) => Self::Error(Jute::read(input)?),
            _ => return Err(JuteError::Operation(op)),
        })
    }
}

pub(super) fn write_results(results: &[OpResult], out: &mut BytesMut) {
    results.iter().for_each(|result| result.write(out));
    END.write(out);
}

/// # Errors
/// When a part cannot be read.
pub(super) fn read_results(input: &mut Bytes) -> Result<Vec<OpResult>, JuteError> {
    let mut results = Vec::new();
    loop {
        let header = MultiHeader::read(input)?;
        if header.done {
            return Ok(results);
        }
        results.push(OpResult::read(header.op, input)?);
    }
}
