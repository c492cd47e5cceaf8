//! Sending libprocess messages, and holding the links by which a death is noticed. Receiving is the HTTP server's
//! business: see [`super::http::Router::messages`].
//!
//! ```text
//! Peer::send > Outbox of the destination > its task > link, or a connection for these messages > wire
//! Peer::link > its task > connect > EOF, error > PeerEvent::Exited
//! ```
//!
//! A connection carries messages in one direction, from who has opened it. So whoever wants to know that a process
//! has died opens a connection to it, holds it, and waits for its end: that is a link. Without a link a message goes
//! on a temporary connection, which is closed at once.
//!
//! One task per destination does all its IO, one connection at a time, so that messages arrive in the order in which
//! they were sent, and a destination that does not answer delays nobody else. It ends when there is neither a link
//! nor a message.

mod line;
mod message;
mod outbox;
mod peer;

pub use peer::{Peer, PeerEvent, PeerLimits};

#[cfg(test)]
mod tests;
