//! What requests are shown: apps with what runs of them, tasks, groups, deployments, the queue, figures.

mod app;
mod group;
mod info;
mod metrics;
mod queue;
mod task;

pub use app::Embed;
pub use group::GroupEmbed;
