//! A log that comes in pieces, and what is seen of it.
