//! What each tab with rows shows: its columns, their order and what a filter looks at.
