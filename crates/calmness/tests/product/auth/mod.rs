//! `/api/auth`.

mod bodies;
mod login;
mod logout;
mod refresh;
mod register;
mod verify;
