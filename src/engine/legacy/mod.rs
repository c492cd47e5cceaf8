//! The JSON of the endpoints that are older than the v1 API (`/state`, `/slaves`, `/tasks`, ...), of whatever master
//! and agent show alike: tasks, executors, resources, attributes, build information.
//!
//! Each struct here is one object of that JSON: its fields in Mesos' order, its `skip_serializing_if` Mesos' presence
//! rules. They borrow from the v1 messages and are written once, so that a large cluster costs no copy.

mod build;
mod duration;
mod executor;
mod resources;
mod sorted;
mod system;
mod task;

pub use build::{Build, StateBuild, VERSION};
pub use duration::DurationText;
pub use executor::{Command, Executor};
pub use resources::{
    Attributes, Domain, Resources, endpoint_format, full_resources, reservations, unreserved,
};
pub use sorted::sorted;
pub use system::System;
pub use task::{Labels, Task, role_of};
