//! The ids of the wire as types of their own: none can stand in for another.
//!
//! They are the wire's own messages (`mesos.v1.TaskID`, ...), given the manners of a newtype.

use std::{convert::Infallible, fmt, str::FromStr};

use crate::mesos::v1::{AgentId, ContainerId, ExecutorId, FrameworkId, OfferId, OperationId, TaskId};

macro_rules! string_id {
    ($($id:ident { $($rest:tt)* })*) => {$(
        impl $id {
            pub fn new(value: impl Into<String>) -> Self {
                Self { value: value.into(), $($rest)* }
            }

            pub fn as_str(&self) -> &str {
                &self.value
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.value)
            }
        }

        impl From<&str> for $id {
            fn from(value: &str) -> Self {
                Self::new(value)
            }
        }

        impl From<String> for $id {
            fn from(value: String) -> Self {
                Self::new(value)
            }
        }

        impl FromStr for $id {
            type Err = Infallible;

            fn from_str(value: &str) -> Result<Self, Infallible> {
                Ok(Self::new(value))
            }
        }
    )*};
}

string_id! {
    FrameworkId {}
    OfferId {}
    AgentId {}
    TaskId {}
    ExecutorId {}
    OperationId {}
    ContainerId { parent: None }
}
