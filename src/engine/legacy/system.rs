//! What `/system/stats.json` and the `system/` metrics say of the machine. Whoever runs the IO reads it.

use serde::Serialize;

/// Load averages, processors and memory: the keys in the order of the alphabet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct System {
    #[serde(rename = "avg_load_15min")]
    pub load_15min: f64,
    #[serde(rename = "avg_load_1min")]
    pub load_1min: f64,
    #[serde(rename = "avg_load_5min")]
    pub load_5min: f64,
    pub cpus_total: u64,
    pub mem_free_bytes: u64,
    pub mem_total_bytes: u64,
}

impl System {
    /// The same as metrics.
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    pub fn metrics(&self) -> [(&'static str, f64); 6] {
        [
            ("system/cpus_total", self.cpus_total as f64),
            ("system/load_15min", self.load_15min),
            ("system/load_1min", self.load_1min),
            ("system/load_5min", self.load_5min),
            ("system/mem_free_bytes", self.mem_free_bytes as f64),
            ("system/mem_total_bytes", self.mem_total_bytes as f64),
        ]
    }
}
