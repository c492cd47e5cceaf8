//! What handles want of the session.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{Authentication, watches::Watch};
use crate::zookeeper::{ErrorCode, Request, Response};

/// The answer to a request, and the watch that it has left.
#[derive(Debug)]
pub struct Answer {
    pub response: Response,
    pub watch: Option<Watch>,
}

pub type Reply = oneshot::Sender<Result<Answer, ErrorCode>>;

#[derive(Debug)]
pub enum Order {
    Request(Ask),
    Authenticate { authentication: Authentication, reply: oneshot::Sender<Result<(), ErrorCode>> },
    Close(oneshot::Sender<()>),
}

/// A request with who wants it.
#[derive(Debug)]
pub struct Ask {
    pub request: Request,
    pub reply: Reply,
}

impl Ask {
    /// Whether nothing is changed by it, so that it may be sent twice.
    fn repeats(&self) -> bool {
        matches!(
            self.request,
            Request::Exists(_)
                | Request::GetData(_)
                | Request::GetAcl(_)
                | Request::GetChildren(_)
                | Request::GetChildren2(_)
                | Request::Sync(_)
                | Request::MultiRead(_)
                | Request::WhoAmI
        )
    }

    pub fn fail(self, code: ErrorCode) {
        let _gone = self.reply.send(Err(code));
    }
}

/// Requests that the server has got and not answered, in their order.
#[derive(Debug, Default)]
pub struct UnderWay {
    asked: VecDeque<(i32, Ask)>,
    last: i32,
}

impl UnderWay {
    /// The number for the next request. Those of pings and the like are negative.
    pub fn number(&mut self) -> i32 {
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.last
    }

    pub fn push(&mut self, xid: i32, ask: Ask) {
        self.asked.push_back((xid, ask));
    }

    /// The request with this number, which has to be the oldest.
    pub fn answered(&mut self, xid: i32) -> Option<Ask> {
        let (expected, _) = self.asked.front()?;
        if *expected != xid {
            return None;
        }
        self.asked.pop_front().map(|(_, ask)| ask)
    }

    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// The connection is gone: what may be repeated is given back, the others fail.
    pub fn interrupted(&mut self) -> VecDeque<Ask> {
        let (repeated, lost): (VecDeque<_>, VecDeque<_>) =
            self.asked.drain(..).map(|(_, ask)| ask).partition(Ask::repeats);
        lost.into_iter().for_each(|ask| ask.fail(ErrorCode::ConnectionLoss));
        repeated
    }

    pub fn fail(&mut self, code: ErrorCode) {
        self.asked.drain(..).for_each(|(_, ask)| ask.fail(code));
    }
}
