//! `/api/auth`.

mod bodies;
mod brute_force;
mod known_devices;
mod login;
mod logout;
mod password_change;
mod password_reset;
mod recovery_codes;
mod refresh;
mod register;
mod rehash;
mod second_step;
mod sessions;
mod theft;
mod totp;
mod verify;
