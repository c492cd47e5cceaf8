//! `scheduler_calls` under libFuzzer.

#![no_main]

use mesoslab_fuzz::{corpus, targets};

libfuzzer_sys::fuzz_target!(init: corpus::write("scheduler_calls"), |data: &[u8]| targets::scheduler_calls(data));
