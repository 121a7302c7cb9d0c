//! What a route needs, said once: where it is declared. The documentation and the check are both made from it (SEC-21).
//!
//! A route is [`open`], or it [`needs`] a scope. The extractors [`Caller`](crate::extract::Caller) and
//! [`Confirmed`](crate::extract::Confirmed) ask for what the declaration says, and refuse to serve a route that was
//! declared otherwise than it is written.

use application::actor::Scope;
use axum::extract::Extension;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Object, Required, Type};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use crate::state::WebState;

/// The header that carries the permission for one action.
pub(crate) const STEP_UP_HEADER: &str = "step-up";

/// What a route needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    /// The one scope.
    pub(crate) scope: Scope,
    /// Whether this very request must have been permitted by a fresh second factor (SEC-24).
    pub(crate) step_up: bool,
}

/// A route that anybody may call.
pub(super) fn open(routes: UtoipaMethodRouter<WebState>) -> UtoipaMethodRouter<WebState> {
    routes
}

/// A route for callers with a scope.
pub(super) const fn needs(scope: Scope) -> Guard {
    Guard { scope, step_up: false }
}

impl Guard {
    /// Each request needs a permission of its own, too.
    pub(super) const fn and_a_step_up(self) -> Self {
        Self { step_up: true, ..self }
    }

    /// Puts these routes behind it.
    pub(super) fn guard(self, routes: UtoipaMethodRouter<WebState>) -> UtoipaMethodRouter<WebState> {
        let (schemas, mut paths, methods) = routes;
        for item in paths.paths.values_mut() {
            let operations =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                self.document(operation);
            }
        }
        (schemas, paths, methods).layer(Extension(self))
    }

    fn document(self, operation: &mut Operation) {
        operation.security = Some(vec![SecurityRequirement::new("bearer", [self.scope.as_str()])]);
        if self.step_up {
            let header = ParameterBuilder::new()
                .name("Step-Up")
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some("A token of `POST /api/auth/step-up` for exactly this request"))
                .schema(Some(Object::with_type(Type::String)));
            operation.parameters.get_or_insert_default().push(header.build().into());
        }
    }
}
