//! The four-letter words, with the texts of ZooKeeper 3.8. The real one answers `srvr` only unless told otherwise; here
//! all are answered. `reqs` is of older servers and has nothing to tell here: what is asked is done at once.

use std::fmt::Write;

use super::{
    ConnectionId, Effect,
    connection::Connection,
    server::{Server, Totals, millis},
};
use crate::mesos::time::Time;

/// What `zookeeper.version` says: the version that this is compatible with, and whose it is.
pub const VERSION: &str = concat!("3.8.0-mesoslab-", env!("CARGO_PKG_VERSION"), ", built on unknown");

macro_rules! words {
    ($($word:ident = $text:literal,)*) => {
        /// A question of four letters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Word { $($word,)* }

        impl Word {
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            pub fn text(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }
    };
}

words! {
    Ruok = "ruok",
    Srvr = "srvr",
    Stat = "stat",
    Conf = "conf",
    Cons = "cons",
    Mntr = "mntr",
    Dump = "dump",
    Wchs = "wchs",
    Wchc = "wchc",
    Wchp = "wchp",
    Envi = "envi",
    Reqs = "reqs",
    Isro = "isro",
    Dirs = "dirs",
    Crst = "crst",
    Srst = "srst",
}

impl Word {
    /// The word that the first four bytes of a connection are.
    pub fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.text().as_bytes() == bytes)
    }
}

/// As Java prints fractions.
fn fraction(number: f64) -> String {
    let rounded = (number * 10_000.0).round() / 10_000.0;
    format!("{rounded:?}")
}

/// `Sat Nov 28 22:20:00 UTC 2026`.
fn date(millis: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let seconds = millis.div_euclid(1000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (mut year, mut left) = (1970, days);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while left >= 365 + i64::from(is_leap(year)) {
        left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    let weekday = DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or_default()];
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{weekday} {} {:02} {hour:02}:{minute:02}:{second:02} UTC {year}", MONTHS[month], left + 1)
}

impl Server {
    pub(super) fn word(&mut self, now: Time, connection: ConnectionId, word: Word) {
        self.totals.received += 1;
        if let Some(asking) = self.connections.get_mut(&connection) {
            asking.stats.received += 1;
        }
        let text = self.answer_word(now, word);
        self.effects.push(Effect::Say { connection, text });
        self.watches.forget(connection);
        self.connections.remove(&connection);
        self.effects.push(Effect::Close { connection });
    }

    fn answer_word(&mut self, now: Time, word: Word) -> String {
        match word {
            Word::Ruok => "imok".to_owned(),
            Word::Isro => "rw".to_owned(),
            Word::Reqs => String::new(),
            Word::Srvr => format!("Zookeeper version: {VERSION}\n{}", self.status()),
            Word::Stat => {
                let clients: String = self.connections.values().map(|one| line(one, None) + "\n").collect();
                format!("Zookeeper version: {VERSION}\nClients:\n{clients}\n{}", self.status())
            }
            Word::Cons => {
                let line = |one: &Connection| line(one, one.session.map(|id| (id, self.timeout(id)))) + "\n";
                self.connections.values().map(line).collect::<String>() + "\n"
            }
            Word::Conf => self.conf(),
            Word::Mntr => self.mntr(),
            Word::Dump => self.dump(now),
            Word::Wchs => {
                let (connections, paths, total) = self.watches.summary();
                format!("{connections} connections watching {paths} paths\nTotal watches:{total}\n")
            }
            Word::Wchc => self.watches_by_connection(),
            Word::Wchp => self.watches_by_path(),
            Word::Envi => self.envi(),
            Word::Dirs => format!("datadir_size: {0}\nlogdir_size: {0}\n", self.totals.disk),
            Word::Crst => {
                self.connections.values_mut().for_each(|one| one.stats.reset());
                "Connection stats reset.\n".to_owned()
            }
            Word::Srst => {
                self.totals = Totals { disk: self.totals.disk, ..Totals::default() };
                "Server stats reset.\n".to_owned()
            }
        }
    }

    fn timeout(&self, session: i64) -> i32 {
        self.sessions.get(session).map_or(0, |session| session.timeout)
    }

    /// ZooKeeper counts the root twice.
    fn node_count(&self) -> usize {
        self.tree.count() + 1
    }

    fn status(&self) -> String {
        let (totals, figures) = (&self.totals, self.figures());
        format!(
            "Latency min/avg/max: {}/{}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: {}\nZxid: {:#x}\nMode: standalone\nNode count: {}\n",
            totals.latencies.min(),
            fraction(totals.latencies.mean()),
            totals.latencies.max(),
            totals.received,
            totals.sent,
            figures.connections,
            figures.outstanding,
            self.zxid,
            self.node_count(),
        )
    }

    fn conf(&self) -> String {
        let (shortest, longest) = self.config.session_timeouts();
        let dir = self.config.data_dir.as_deref().unwrap_or_default();
        format!(
            "clientPort={port}\nsecureClientPort=-1\ndataDir={dir}\ndataDirSize={disk}\ndataLogDir={dir}\ndataLogSize={disk}\ntickTime={tick}\nmaxClientCnxns={most}\nminSessionTimeout={shortest}\nmaxSessionTimeout={longest}\nclientPortListenBacklog=-1\nserverId=0\n",
            port = self.config.client_port,
            disk = self.totals.disk,
            tick = self.config.tick_time.as_millis(),
            most = self.config.max_client_cnxns,
        )
    }

    fn mntr(&self) -> String {
        let (totals, figures) = (&self.totals, self.figures());
        let (watching, watched, total) = self.watches.summary();
        let values = [
            ("version", VERSION.to_owned()),
            ("server_state", "standalone".to_owned()),
            ("ephemerals_count", figures.ephemerals.to_string()),
            ("min_latency", totals.latencies.min().to_string()),
            ("avg_latency", fraction(totals.latencies.mean())),
            ("max_latency", totals.latencies.max().to_string()),
            ("packets_received", totals.received.to_string()),
            ("packets_sent", totals.sent.to_string()),
            ("num_alive_connections", figures.connections.to_string()),
            ("outstanding_requests", figures.outstanding.to_string()),
            ("znode_count", self.node_count().to_string()),
            ("watch_count", figures.watches.to_string()),
            ("approximate_data_size", figures.size.to_string()),
            ("global_sessions", figures.sessions.to_string()),
            ("local_sessions", "0".to_owned()),
            ("connections_watching", watching.to_string()),
            ("paths_watched", watched.to_string()),
            ("data_watches", total.to_string()),
            ("last_zxid", self.zxid.to_string()),
        ];
        values.iter().map(|(key, value)| format!("zk_{key}\t{value}\n")).collect()
    }

    fn dump(&self, now: Time) -> String {
        let mut text = String::from("SessionTracker dump:\n");
        let expiries: Vec<_> = self.sessions.expiries().collect();
        _ = writeln!(text, "Session Sets ({0})/({0}):", expiries.len());
        for (at, session) in expiries {
            _ = writeln!(text, "1 expire at {}:\n\t{session:#x}", date(millis(at)));
        }
        let ephemerals: Vec<_> = self.tree.ephemerals().collect();
        _ = writeln!(text, "ephemeral nodes dump:\nSessions with Ephemerals ({}):", ephemerals.len());
        for (session, paths) in ephemerals {
            _ = writeln!(text, "{session:#x}:");
            paths.iter().for_each(|path| _ = writeln!(text, "\t{path}"));
        }
        _ = writeln!(text, "Connections dump:\nConnections Sets (1)/({}):", self.connections.len());
        _ = writeln!(text, "{} expire at {}:", self.connections.len(), date(millis(now)));
        for one in self.connections.values() {
            let session = one.session.unwrap_or_default();
            _ = writeln!(text, "\tip: /{} sessionId: {session:#x}", one.peer);
        }
        text
    }

    fn watches_by_connection(&self) -> String {
        let mut text = String::new();
        for (connection, paths) in self.watches.by_connection() {
            _ = writeln!(text, "{:#x}", self.session_of(*connection));
            paths.iter().for_each(|path| _ = writeln!(text, "\t{path}"));
        }
        text + "\n"
    }

    fn watches_by_path(&self) -> String {
        let mut text = String::new();
        for (path, connections) in self.watches.by_path() {
            _ = writeln!(text, "{path}");
            connections.for_each(|id| _ = writeln!(text, "\t{:#x}", self.session_of(id)));
        }
        text + "\n"
    }

    fn session_of(&self, connection: ConnectionId) -> i64 {
        self.connections.get(&connection).and_then(|one| one.session).unwrap_or_default()
    }

    fn envi(&self) -> String {
        let own = [("zookeeper.version", VERSION)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let all = own.iter().chain(&self.config.environment);
        let lines: String = all.map(|(key, value)| format!("{key}={value}\n")).collect();
        format!("Environment:\n{lines}")
    }
}

/// A connection as `stat` shows it, and with its session as `cons` does.
fn line(connection: &Connection, session: Option<(i64, i32)>) -> String {
    let stats = &connection.stats;
    let reading = u8::from(connection.session.is_some());
    let mut text = format!(
        " /{}[{reading}](queued={},recved={},sent={}",
        connection.peer, stats.outstanding, stats.received, stats.sent
    );
    if let Some((session, timeout)) = session {
        _ = write!(
            text,
            ",sid={session:#x},lop={},est={},to={timeout}",
            stats.last_op,
            millis(stats.established)
        );
        if stats.last_xid >= 0 {
            _ = write!(text, ",lcxid={:#x}", stats.last_xid);
        }
        _ = write!(
            text,
            ",lzxid={:#x},lresp={},llat={},minlat={},avglat={:.0},maxlat={}",
            stats.last_zxid,
            millis(stats.last_response),
            stats.last_latency.as_millis(),
            stats.latencies.min(),
            stats.latencies.mean().floor(),
            stats.latencies.max(),
        );
    }
    text + ")"
}
