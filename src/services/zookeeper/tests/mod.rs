//! The server alone.
