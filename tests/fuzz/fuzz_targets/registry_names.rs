//! `registry_names` under libFuzzer.

#![no_main]

use mesoslab_fuzz::{corpus, targets};

libfuzzer_sys::fuzz_target!(init: corpus::write("registry_names"), |data: &[u8]| targets::registry_names(data));
