#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| calmness_fuzz::run("paypal_event", bytes));
