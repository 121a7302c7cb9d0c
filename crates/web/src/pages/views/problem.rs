//! A page that says what went wrong: the face of a problem document.

use application::text;
use askama::Template;

use super::PageFrame;

/// An error page.
#[derive(Template)]
#[template(path = "problem.html")]
pub struct ProblemView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The HTTP status.
    pub status: u16,
    /// What it is.
    pub title: String,
    /// What it means and what to do.
    pub detail: String,
    /// What finds it in our log.
    pub request_id: String,
}

impl ProblemView {
    /// The page of a problem code, in the words that the API uses too.
    pub fn new(page: PageFrame, status: u16, code: &str, request_id: String) -> Self {
        let (title, detail) = text::problem(page.locale, code);
        Self { page, status, title, detail, request_id }
    }
}
