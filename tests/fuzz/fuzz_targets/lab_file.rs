//! `lab_file` under libFuzzer.

#![no_main]

use mesoslab_fuzz::{corpus, targets};

libfuzzer_sys::fuzz_target!(init: corpus::write("lab_file"), |data: &[u8]| targets::lab_file(data));
