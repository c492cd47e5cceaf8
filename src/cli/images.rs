//! `mesoslab build`, `push` and `images`, as they are typed.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::Output;
use crate::spec::Flavor;

#[derive(Debug, Args)]
pub struct Build {
    /// Only these: zookeeper, exhibitor, master, agent, marathon, registry, framework, task [default: what the lab uses]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Build every step anew, whether anything has changed or not
    #[arg(long)]
    pub no_cache: bool,
    /// Write the contexts there instead, for `docker build`; no engine is asked
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["names", "no_cache"])]
    pub contexts: Option<PathBuf>,
    #[command(flatten)]
    pub flavor: OfFlavor,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Push {
    /// The registry [default: the running lab's]
    #[arg(long, value_name = "HOST:PORT")]
    pub to: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Images {
    #[command(flatten)]
    pub flavor: OfFlavor,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct OfFlavor {
    /// What the containers are made of
    #[arg(long, value_enum, env = "MESOSLAB_FLAVOR")]
    pub flavor: Option<Flavor>,
}
