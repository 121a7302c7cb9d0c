//! A mail server that keeps everything, and the mailbox to read it in.

pub(crate) mod drive;
pub(crate) mod mailbox;
pub(crate) mod mime;
pub(crate) mod smtp;
