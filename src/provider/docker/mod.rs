//! A lab of containers: what containers a lab is made of, and making an engine have them.
//!
//! [`Plan`](plan::Plan) says which containers there are to be, [`steps`] what is missing, [`DockerLab`] does it. No process
//! of ours stays: the engine keeps the containers running, and every command asks it anew.

mod around;
mod body;
pub mod compose;
mod error;
pub mod images;
mod lab;
mod made;
mod network;
pub mod plan;
mod scheduler;
pub mod steps;

pub use error::LabError;
pub use lab::{Crash, DockerLab, Drawn, Phase, PresentImages};
pub use made::Belongings;
pub use scheduler::DockerScheduler;
