//! One-shot watches: who waits for which change of which node.

use std::collections::BTreeMap;

use tokio::sync::{oneshot, watch};

use super::{Status, ZooKeeperError};
use crate::zookeeper::{ErrorCode, EventType, Request, WatchedEvent, request::SetWatches};

/// So many paths go into one request that sets watches again.
const CHUNK: usize = 1000;

/// What a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The data of a node, and its end.
    Data,
    /// The coming of a node.
    Exists,
    /// The children of a node, and its end.
    Children,
}

/// Tells of one change.
#[derive(Debug)]
pub struct Watch {
    event: oneshot::Receiver<WatchedEvent>,
    status: watch::Receiver<Status>,
    path: String,
}

impl Watch {
    /// Waits for the change.
    ///
    /// # Errors
    /// When the session ends before. After the change was told, too.
    pub async fn changed(&mut self) -> Result<WatchedEvent, ZooKeeperError> {
        let event = (&mut self.event).await;
        event.map_err(|_| ZooKeeperError::new(self.status.borrow().state.error(), "watch", &self.path))
    }
}

/// All watches of a session.
#[derive(Debug, Default)]
pub struct Watches(BTreeMap<(Kind, String), Vec<oneshot::Sender<WatchedEvent>>>);

impl Watches {
    /// The watch that a request has left, by how it was answered.
    pub fn left_by(
        &mut self,
        request: &Request,
        error: Option<ErrorCode>,
        status: &watch::Receiver<Status>,
    ) -> Option<Watch> {
        let (kind, path) = match (request, error) {
            (Request::GetData(wish), None) if wish.watch => (Kind::Data, &wish.path),
            (Request::Exists(wish), None) if wish.watch => (Kind::Data, &wish.path),
            (Request::Exists(wish), Some(ErrorCode::NoNode)) if wish.watch => (Kind::Exists, &wish.path),
            (Request::GetChildren(wish) | Request::GetChildren2(wish), None) if wish.watch => {
                (Kind::Children, &wish.path)
            }
            _ => return None,
        };
        let (tell, event) = oneshot::channel();
        let waiting = self.0.entry((kind, path.clone())).or_default();
        waiting.retain(|waiting| !waiting.is_closed());
        waiting.push(tell);
        Some(Watch { event, status: status.clone(), path: path.clone() })
    }

    /// Tells those who wait for it; they wait no longer.
    pub fn tell(&mut self, event: &WatchedEvent) {
        let kinds: &[Kind] = match event.kind {
            EventType::NodeCreated | EventType::NodeDataChanged => &[Kind::Data, Kind::Exists],
            EventType::NodeDeleted => &[Kind::Data, Kind::Exists, Kind::Children],
            EventType::NodeChildrenChanged => &[Kind::Children],
            _ => &[],
        };
        for kind in kinds {
            let told = self.0.remove(&(*kind, event.path.clone()));
            told.into_iter().flatten().for_each(|waiting| drop(waiting.send(event.clone())));
        }
    }

    /// What sets the watches again at another server, which then tells what has happened since `zxid`.
    pub fn requests(&mut self, zxid: i64) -> Vec<Request> {
        self.0.retain(|_, waiting| {
            waiting.retain(|waiting| !waiting.is_closed());
            !waiting.is_empty()
        });
        let keys: Vec<_> = self.0.keys().collect();
        let request = |keys: &[&(Kind, String)]| {
            let of = |kind| keys.iter().filter(|key| key.0 == kind).map(|key| key.1.clone()).collect();
            Request::SetWatches(SetWatches {
                relative_zxid: zxid,
                data: of(Kind::Data),
                exist: of(Kind::Exists),
                child: of(Kind::Children),
                ..SetWatches::default()
            })
        };
        keys.chunks(CHUNK).map(request).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zookeeper::request::PathWatch;

    fn wish(path: &str) -> PathWatch {
        PathWatch { path: path.to_owned(), watch: true }
    }

    #[tokio::test]
    async fn an_event_reaches_those_whom_it_concerns_and_once() {
        let status = watch::Sender::new(Status::default()).subscribe();
        let mut watches = Watches::default();
        let mut left = |request: Request, error| watches.left_by(&request, error, &status);
        let mut data = left(Request::GetData(wish("/a")), None).unwrap();
        let mut children = left(Request::GetChildren(wish("/a")), None).unwrap();
        let mut coming = left(Request::Exists(wish("/b")), Some(ErrorCode::NoNode)).unwrap();
        assert!(left(Request::GetData(wish("/c")), Some(ErrorCode::NoNode)).is_none());
        assert!(left(Request::GetData(PathWatch { path: "/a".into(), watch: false }), None).is_none());
        let set = SetWatches {
            relative_zxid: 7,
            data: vec!["/a".into()],
            exist: vec!["/b".into()],
            child: vec!["/a".into()],
            ..SetWatches::default()
        };
        assert_eq!(watches.requests(7), [Request::SetWatches(set)]);

        let changed = WatchedEvent::of_node(EventType::NodeChildrenChanged, "/a");
        watches.tell(&changed);
        assert_eq!(children.changed().await, Ok(changed));
        let created = WatchedEvent::of_node(EventType::NodeCreated, "/b");
        watches.tell(&created);
        assert_eq!(coming.changed().await, Ok(created));
        let deleted = WatchedEvent::of_node(EventType::NodeDeleted, "/a");
        watches.tell(&deleted);
        assert_eq!(data.changed().await, Ok(deleted));
        assert!(watches.requests(8).is_empty(), "watches are one-shot");
    }

    #[tokio::test]
    async fn a_watch_of_nobody_is_not_set_again() {
        let status = watch::Sender::new(Status::default()).subscribe();
        let mut watches = Watches::default();
        drop(watches.left_by(&Request::GetData(wish("/a")), None, &status));
        let mut kept = watches.left_by(&Request::GetData(wish("/b")), None, &status).unwrap();
        let [Request::SetWatches(set)] = &watches.requests(1)[..] else { panic!("one request") };
        assert_eq!(set.data, ["/b"]);
        drop(watches);
        assert!(kept.changed().await.unwrap_err().is_expiry(), "the session is over");
    }
}
