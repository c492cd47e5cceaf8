//! Exhibitor's forms and its judgement, held against what its sources and clients say.

mod forms;
mod supervision;
