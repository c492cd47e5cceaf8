//! Histories of a cluster, folded.
