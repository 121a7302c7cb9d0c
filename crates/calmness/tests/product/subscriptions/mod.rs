//! What the passing of time does: renewals, reminders, ends, and mail that must arrive.

mod ends;
mod mail;
mod reminders;
mod renewals;
