//! `/api/me`: taking one's data along, and leaving (SEC-59).

mod erasure;
mod export;
