//! Files: what a death leaves behind is read again, and what no death leaves behind is refused.

mod durability;
