//! The pages as a browser sees them: cookies, forms, redirects.

mod browser;
mod forms;
mod pause;
mod policy;
mod security;
mod story;
mod way_back;
