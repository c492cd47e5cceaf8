//! mesoslab: a whole Apache Mesos development lab in one binary.
//!
//! # The map
//!
//! A module uses modules of a lower rank only; `tests/it/tidy.rs` holds every `use` against this table.
//!
//! | rank | module | owns |
//! | --- | --- | --- |
//! | 0 | [`mesos`] | the words of the wire: v1 messages, ids, resource arithmetic, Mesos' JSON form, RecordIO, media types |
//! | 0 | [`zookeeper`] | the words of ZooKeeper's wire: frames, requests, answers, error codes, ACLs, stats, events |
//! | 0 | [`spec`] | what lab is wanted: the lab file, its layers and checks |
//! | 0 | [`runtime`] | the clock, background tasks, signals |
//! | 1 | [`engine`] | what happens in a cluster, without IO: master, allocator, agent, executor |
//! | 1 | [`scheduler`] | what our framework decides, without IO: placing, replacing, explaining |
//! | 1 | [`services`] | what a lab has beside Mesos, without IO: ZooKeeper, Exhibitor, Marathon, a registry of images |
//! | 1 | [`client`] | talking to any Mesos, to our scheduler and to Docker Engine over HTTP |
//! | 2 | [`host`] | the IO around the pure parts: HTTP servers, processes, sandboxes, the guard |
//! | 2 | [`session`] | the streams of a container at this terminal, or in this pipe |
//! | 2 | [`flags`] | the command lines of `mesos-master` and `mesos-agent`: every flag, what it is worth here, what it means |
//! | 2 | [`cluster`] | what is: the read model of a cluster, folded from its event streams |
//! | 2 | [`conformance`] | what Mesos does: named behaviours, each looked at on any master and its agents |
//! | 3 | [`provider`] | making a lab exist, its state on disk, waiting until it is ready |
//! | 3 | [`cli`] | the command line as it is typed |
//! | 4 | [`settings`], [`printer`], [`error`] | what the command line means; output; failures and exit codes |
//! | 4 | [`tui`] | the dashboard: model, update, views |
//! | 5 | `commands` | one file per subcommand |
//!
//! # How data flows
//!
//! ```text
//! argv > cli > settings + LabSpec > provider > Endpoints
//! LabSpec > docker::plan > what an engine has > docker::steps > containers > Endpoints
//! Endpoints > client > commands > printer
//! Endpoints > client > cluster::watch > Change > ClusterView > tui view > terminal
//! key > tui update > Effect > tui work > client
//! SUBSCRIBE > master > OFFERS > scheduler > ACCEPT > master > RunTask > agent > process
//! process exit > agent > StatusUpdate > master > UPDATE > scheduler > ACKNOWLEDGE > master > agent
//! agent > wire::to_master > libprocess > another process' listener > wire::to_master > master
//! ZooKeeper > client::election > the masters, of which one leads > Seat > the agents of its process
//! app > Marathon > ACCEPT > master > RunTask > agent > `serve scheduler` > ZooKeeper: its state
//! Exhibitor > four-letter words > ZooKeeper; Exhibitor > Order > whoever runs the ZooKeeper
//! ```
//!
//! # Invariants
//!
//! * **Pure engine.** Nothing in [`engine`], [`scheduler`] and [`services`] reads a clock, opens a socket or draws a random number
//!   that was not seeded: each part is a struct with `handle(now, input)`, and one loop in [`host`] does its IO.
//!   The same inputs give the same outputs, byte by byte.
//! * **One door.** What stands above [`provider`] reaches a lab through its public HTTP APIs, whoever runs it.
//!   The exceptions are the control socket of the embedded lab's process, and the engine of a lab of containers: by them
//!   a lab and its parts are started, changed and ended, and containers are looked at.
//! * **Only [`runtime`] spawns and reads the time, only [`printer`] prints, only the dashboard's terminal draws.**
//!   `clippy.toml` holds the rest of us to it.
//! * **A dashboard that never waits.** [`tui`]'s `update` is pure, and it alone changes what is shown; all that takes time
//!   is an effect, and its answer a message.
//! * **Effects in order.** A host holds its engine's lock until the effects of an input are queued, so that what a
//!   scheduler sees is the order in which the master decided.
//! * **Nothing outlives the lab.** Every task process is known to the guard, a process of its own that kills them
//!   when the lab's process dies, however it dies. What escapes is a process that has cut every tie: a session of its
//!   own, an empty environment and none of its first file descriptors.
//!   Containers of tasks carry their agent's work directory as a label: those that a sudden death has left are found by
//!   it, and removed, at the next start and by `down`.
//!   An agent that is a process of its own has a keeper instead, which lets those tasks live on that are to survive it,
//!   and none without end: what no agent takes over in time is killed.
//! * **Loopback only.** Every listener binds 127.0.0.1, but for a component that is served on another address;
//!   a request with a foreign `Host` or `Origin` gets 403, and so does whoever comes from a network that the listener is
//!   not told to answer. No message makes us connect to such a network either.
//! * **Said is kept.** What ZooKeeper has answered is on the disk, what a leading master has done to the registry is in
//!   ZooKeeper before its effects leave, and what Marathon and our scheduler order is saved before it is ordered: each of
//!   them can die at any time, and no task notices.
//! * **One wire.** Master and agent speak [`engine::wire`] to each other: through a channel in one process, as Mesos'
//!   libprocess messages between two. Nothing above the two hosts knows which it is.

pub mod cli;
pub mod client;
pub mod cluster;
mod commands;
pub mod conformance;
pub mod engine;
pub mod error;
pub mod flags;
pub mod host;
pub mod mesos;
pub mod printer;
pub mod provider;
pub mod runtime;
pub mod scheduler;
pub mod services;
pub mod session;
pub mod settings;
pub mod spec;
pub mod tui;
pub mod zookeeper;

pub use commands::run;
