//! State behind a mutex that can only be reached inside a closure, so that no lock is ever held over an await.

use std::sync::{Mutex, PoisonError};

/// A mutex without guards.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Runs `act` alone on the value. A panic of an earlier act doesn't lock everyone else out: each act leaves whole values.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
