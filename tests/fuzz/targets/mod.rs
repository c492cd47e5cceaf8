//! The fuzz targets: each takes any bytes, and must neither panic, nor hang, nor hold memory out of proportion. They run
//! under libFuzzer from here, and as a plain test over all seeds from `tests/it/fuzz.rs`.

mod engines;
mod histories;
pub mod seeds;
mod words;

pub use engines::{agent_calls, libprocess, operator_calls, scheduler_calls};
pub use histories::{Reached, histories, play};
pub use words::{attributes, json, lab_file, protobuf, recordio, registry_names, resources, zookeeper};

/// A target by name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 13] = [
    ("recordio", recordio),
    ("json", json),
    ("protobuf", protobuf),
    ("scheduler_calls", scheduler_calls),
    ("operator_calls", operator_calls),
    ("agent_calls", agent_calls),
    ("libprocess", libprocess),
    ("histories", histories),
    ("resources", resources),
    ("attributes", attributes),
    ("zookeeper", zookeeper),
    ("registry_names", registry_names),
    ("lab_file", lab_file),
];
