//! Marathon on our master: over HTTP, across its own death, and with a client that others wrote.

mod http;
mod lab;
mod python;
mod survival;
mod zookeeper;
