//! The task of a session: connects, hands requests on and answers back, keeps the session alive, and connects again.

use std::{collections::VecDeque, io, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    io::AsyncWriteExt,
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Authentication, Config, State, Status,
    connection::Connection,
    line::Line,
    orders::{Answer, Ask, Order, UnderWay},
    watches::Watches,
};
use crate::zookeeper::{
    ErrorCode, ReplyHeader, Request, Response, WatchedEvent, jute::Jute, request::Auth, xid,
};

/// So many requests may wait for their answers.
const MOST_UNDER_WAY: usize = 1000;
/// A session is kept alive in so many steps of its timeout; that many minus one of silence end a connection.
const BEATS: u32 = 3;
/// How long the server may take to hear that a session ends.
const FAREWELL: Duration = Duration::from_secs(1);

pub struct Session {
    line: Line,
    orders: mpsc::UnboundedReceiver<Order>,
    status: watch::Sender<Status>,
    identities: Vec<Authentication>,
    under_way: UnderWay,
    /// To be sent before anything else.
    waiting: VecDeque<Ask>,
    /// Who waits to hear whether their identity is taken, if anybody; in the order in which they were sent.
    authenticating: VecDeque<Option<oneshot::Sender<Result<(), ErrorCode>>>>,
    watches: Watches,
}

/// Why a connection has ended.
enum End {
    /// With what is left of the session's time.
    Lost {
        left: Duration,
        reason: String,
    },
    AuthFailed,
    Closed,
}

impl Session {
    pub fn new(
        config: Config,
        orders: mpsc::UnboundedReceiver<Order>,
        status: watch::Sender<Status>,
        seed: u64,
    ) -> Self {
        Self {
            identities: config.authentication.iter().cloned().collect(),
            line: Line::new(config, seed),
            orders,
            status,
            under_way: UnderWay::default(),
            waiting: VecDeque::new(),
            authenticating: VecDeque::new(),
            watches: Watches::default(),
        }
    }

    pub async fn run(mut self) {
        let state = self.until_final().await;
        self.tell(state);
        self.under_way.fail(state.error());
        self.waiting.drain(..).for_each(|ask| ask.fail(state.error()));
        self.watches = Watches::default();
        self.orders.close();
        while let Some(order) = self.orders.recv().await {
            refuse(order, state.error());
        }
    }

    async fn until_final(&mut self) -> State {
        let mut left = None;
        loop {
            let connection = match self.connect(left).await {
                Ok(connection) => connection,
                Err(state) => return state,
            };
            self.tell(State::Connected);
            left = match self.serve(connection).await {
                End::Lost { left, reason } => {
                    tracing::info!(%reason, session = self.line.session(), "lost the connection to ZooKeeper");
                    Some(left)
                }
                End::AuthFailed => return State::AuthFailed,
                End::Closed => return State::Closed,
            };
            self.waiting = self.under_way.interrupted();
            self.authenticating.clear();
            self.tell(State::Suspended);
        }
    }

    /// Connects, however long it takes, or while the session has time left; looks at the orders meanwhile, so that a
    /// client that is dropped or closed does not go on for ever.
    async fn connect(&mut self, left: Option<Duration>) -> Result<Connection, State> {
        let connected = self.line.connect();
        let in_time = async {
            match left {
                Some(left) => timeout(left, connected).await.unwrap_or(Err(State::Expired)),
                None => connected.await,
            }
        };
        tokio::pin!(in_time);
        loop {
            tokio::select! {
                connection = &mut in_time => return connection,
                order = self.orders.recv() => match order {
                    Some(Order::Request(ask)) => self.waiting.push_back(ask),
                    Some(Order::Authenticate { authentication, reply }) => {
                        self.identities.push(authentication);
                        let _gone = reply.send(Ok(()));
                    }
                    Some(Order::Close(told)) => {
                        let _gone = told.send(());
                        return Err(State::Closed);
                    }
                    None => return Err(State::Closed),
                },
            }
        }
    }

    fn tell(&self, state: State) {
        self.status.send_replace(Status { state, session_id: self.line.known.id });
    }

    async fn serve(&mut self, mut connection: Connection) -> End {
        let beat = (self.line.known.timeout / BEATS).max(Duration::from_millis(1));
        let mut beats = interval(beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats.tick().await;
        let mut silent = 0;
        if let Err(error) = self.greet(&mut connection) {
            return self.lost(0, error);
        }
        loop {
            let Connection { frames, writer, out } = &mut connection;
            let ended = tokio::select! {
                frame = frames.next() => {
                    silent = 0;
                    match frame {
                        Some(Ok(frame)) => self.frame(frame),
                        Some(Err(error)) => Err(self.lost(0, error)),
                        None => Err(self.lost(0, "the server has hung up")),
                    }
                }
                written = writer.write_buf(out), if !out.is_empty() => {
                    written.map(drop).map_err(|error| self.lost(silent, error))
                }
                order = self.orders.recv(), if self.under_way.len() < MOST_UNDER_WAY => match order {
                    Some(order) => match self.order(&mut connection, order) {
                        Ok(None) => Ok(()),
                        Ok(Some(told)) => {
                            self.say_goodbye(connection).await;
                            let _gone = told.send(());
                            return End::Closed;
                        }
                        Err(error) => Err(self.lost(silent, error)),
                    },
                    None => {
                        self.say_goodbye(connection).await;
                        return End::Closed;
                    }
                },
                _ = beats.tick() => {
                    silent += 1;
                    let ping = connection.put(Request::Ping.to_frame(xid::PING));
                    match ping {
                        _ if silent >= BEATS => Err(self.lost(silent - 1, "it is silent")),
                        Ok(()) => Ok(()),
                        Err(error) => Err(self.lost(silent, error)),
                    }
                }
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    /// What has to be said on each new connection: who we are, what we watch, and what was under way.
    fn greet(&mut self, connection: &mut Connection) -> io::Result<()> {
        for identity in &self.identities {
            self.authenticating.push_back(None);
            put(connection, auth(identity), xid::AUTH)?;
        }
        for request in self.watches.requests(self.line.known.zxid) {
            put(connection, request, xid::SET_WATCHES)?;
        }
        while let Some(ask) = self.waiting.pop_front() {
            self.ask(connection, ask)?;
        }
        Ok(())
    }

    fn ask(&mut self, connection: &mut Connection, ask: Ask) -> io::Result<()> {
        if ask.reply.is_closed() {
            return Ok(());
        }
        let number = self.under_way.number();
        let frame = ask.request.to_frame(number);
        self.under_way.push(number, ask);
        connection.put(frame).map_err(io::Error::other)
    }

    /// Gives whom to tell when the session is to be closed.
    fn order(
        &mut self,
        connection: &mut Connection,
        order: Order,
    ) -> io::Result<Option<oneshot::Sender<()>>> {
        match order {
            Order::Request(ask) => self.ask(connection, ask)?,
            Order::Authenticate { authentication, reply } => {
                self.authenticating.push_back(Some(reply));
                put(connection, auth(&authentication), xid::AUTH)?;
                self.identities.push(authentication);
            }
            Order::Close(told) => return Ok(Some(told)),
        }
        Ok(None)
    }

    fn frame(&mut self, frame: Bytes) -> Result<(), End> {
        let mut content = frame;
        let header = ReplyHeader::read(&mut content).map_err(|error| self.lost(0, error))?;
        if header.zxid > 0 {
            self.line.known.zxid = header.zxid;
        }
        match header.xid {
            xid::NOTIFICATION => {
                let event = WatchedEvent::read(&mut content).map_err(|error| self.lost(0, error))?;
                self.watches.tell(&event);
            }
            xid::PING | xid::SET_WATCHES => {}
            xid::AUTH => self.authenticated(header)?,
            number => self.answer(number, header, content)?,
        }
        Ok(())
    }

    fn authenticated(&mut self, header: ReplyHeader) -> Result<(), End> {
        let answer = header.error().map_or(Ok(()), Err);
        if let Some(Some(reply)) = self.authenticating.pop_front() {
            let _gone = reply.send(answer);
        }
        answer.map_err(|_| End::AuthFailed)
    }

    fn answer(&mut self, number: i32, header: ReplyHeader, mut content: Bytes) -> Result<(), End> {
        let ask = self.under_way.answered(number);
        let ask = ask.ok_or_else(|| self.lost(0, format!("an answer with the number {number}")))?;
        let error = header.error();
        let watch = self.watches.left_by(&ask.request, error, &self.status.subscribe());
        let response = match error {
            Some(ErrorCode::NoNode) if watch.is_some() => Ok(Response::Empty),
            Some(error) => Err(error),
            None => match Response::read_body(ask.request.op(), &mut content) {
                Ok(response) => Ok(response),
                Err(error) => {
                    ask.fail(ErrorCode::MarshallingError);
                    return Err(self.lost(0, error));
                }
            },
        };
        let _gone = ask.reply.send(response.map(|response| Answer { response, watch }));
        Ok(())
    }

    fn lost(&self, silent: u32, reason: impl ToString) -> End {
        let beat = self.line.known.timeout / BEATS;
        End::Lost { left: self.line.known.timeout.saturating_sub(beat * silent), reason: reason.to_string() }
    }

    /// Ends the session at the server, so that its ephemeral nodes go now.
    async fn say_goodbye(&mut self, mut connection: Connection) {
        let number = self.under_way.number();
        let said = async {
            put(&mut connection, Request::CloseSession, number)?;
            connection.writer.write_all_buf(&mut connection.out).await?;
            while let Some(Ok(_)) = connection.frames.next().await {}
            io::Result::Ok(())
        };
        let _the_server_hears_it_or_waits_for_the_timeout = timeout(FAREWELL, said).await;
    }
}

fn put(connection: &mut Connection, request: Request, number: i32) -> io::Result<()> {
    connection.put(request.to_frame(number)).map_err(io::Error::other)
}

fn auth(identity: &Authentication) -> Request {
    let auth = Some(identity.credentials.clone());
    Request::Auth(Auth { kind: 0, scheme: Some(identity.scheme.clone()), auth })
}

fn refuse(order: Order, code: ErrorCode) {
    match order {
        Order::Request(ask) => ask.fail(code),
        Order::Authenticate { reply, .. } => drop(reply.send(Err(code))),
        Order::Close(told) => drop(told.send(())),
    }
}
