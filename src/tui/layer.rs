//! What can lie over a tab. The topmost layer gets the keys; Esc takes it away.

pub mod line_edit;
pub mod log;

/// Something over the tab.
#[derive(Debug)]
pub enum Layer {
    Help { top: u16 },
}
