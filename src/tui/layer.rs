//! What can lie over a tab. The topmost layer gets the keys; Esc takes it away.

/// Something over the tab.
#[derive(Debug)]
pub enum Layer {
    Help { top: u16 },
}
