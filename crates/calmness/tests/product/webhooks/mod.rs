//! `/api/webhooks`: what providers and Telegram call.

mod arithmetic;
mod contradictions;
mod duplicates;
mod order;
mod paths;
mod signatures;
