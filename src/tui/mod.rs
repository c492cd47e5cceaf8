//! The dashboard, in the Elm style: one [`model::Model`], one [`message::Msg`], a pure [`update::update`], and views that only read.
//!
//! ```text
//! keys, mouse, size ─┐
//! cluster::watch    ─┼─> Msg ─> update(model, now, msg) ─> Effects ─> work ─> Answer ─> Msg
//! answers of `work` ─┘            │
//!                                 └─> view::draw(frame, &model), once per batch of messages
//! ```
//!
//! - `terminal` is the only file that touches the terminal, `run` is the loop; `work` the only file that talks to the cluster.
//! - `keys` is the table of all keys: dispatch, footer and help are made from it.
//! - `layout` says where everything is; `view` draws there and the mouse is looked up there.
//! - `list` is the one mechanism of all tabs with rows, `tables` says what each of them shows.
//! - `layer` is what can lie over a tab: details, logs, questions, prompts.

mod ending;
mod events;
pub mod keys;
pub mod layer;
pub mod layout;
pub mod list;
pub mod message;
pub mod model;
pub mod picture;
mod run;
pub mod slider;
pub mod still;
pub mod svg;
pub mod tables;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod update;
pub mod view;
mod work;

pub use run::{Options, run};
