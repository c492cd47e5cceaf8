//! Compiles `proto/` with protox, so that no `protoc` is needed, and keeps the descriptors for the JSON form.

use std::{env, fs, io, path::PathBuf};

use prost::Message;

const PROTOS: [&str; 10] = [
    "mesos/v1/mesos.proto",
    "mesos/v1/scheduler/scheduler.proto",
    "mesos/v1/executor/executor.proto",
    "mesos/v1/master/master.proto",
    "mesos/v1/agent/agent.proto",
    "mesos/v1/allocator/allocator.proto",
    "mesos/v1/quota/quota.proto",
    "mesos/v1/maintenance/maintenance.proto",
    "mesos/internal/messages.proto",
    "mesoslab/log.proto",
];

/// Messages that serve as map keys.
const IDS: [&str; 6] = ["FrameworkID", "OfferID", "AgentID", "TaskID", "ExecutorID", "OperationID"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"]).map_err(io::Error::other)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?);
    let mut shapes = descriptors.clone();
    shapes.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(out.join("descriptors.bin"), shapes.encode_to_vec())?;

    let mut config = prost_build::Config::new();
    config.include_file("mesos.rs").bytes(["."]).btree_map([".mesos.v1"]).enable_type_names();
    for id in IDS {
        config.type_attribute(format!(".mesos.v1.{id}"), "#[derive(PartialOrd, Ord)]");
    }
    let container = "#[derive(Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]";
    config.type_attribute(".mesos.v1.ContainerID", container);
    config.compile_fds(descriptors)
}
