//! The whole dashboard on a screen in memory.
