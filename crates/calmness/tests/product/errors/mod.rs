//! What every answer has, and what goes wrong: documents, languages, headers, origins, limits, nonsense.

mod availability;
mod documents;
mod headers;
mod limits;
mod nonsense;
