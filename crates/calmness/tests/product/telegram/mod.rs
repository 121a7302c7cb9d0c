//! `/api/telegram` and what the bot hears: linking an account, letting it in, removing it.

mod fuse;
mod joining;
mod linking;
mod removing;
mod trouble;
mod updates;
