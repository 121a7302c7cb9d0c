#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| calmness_fuzz::run("x_forwarded_for", bytes));
