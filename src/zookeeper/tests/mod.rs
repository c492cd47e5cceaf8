//! The words of the wire: round trips of everything, bytes as the real ones send them, and lengths that lie.

mod bytes;
mod make;
mod round_trips;
