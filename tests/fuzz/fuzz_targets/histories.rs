//! `histories` under libFuzzer.

#![no_main]

use mesoslab_fuzz::{corpus, targets};

libfuzzer_sys::fuzz_target!(init: corpus::write("histories"), |data: &[u8]| targets::histories(data));
