//! The OpenAPI document and its page.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{FieldProblem, ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Calmness",
        description = "Sells time-limited access to Telegram signal channels.\n\nErrors are `application/problem+json` (RFC 9457); \
                       clients switch on `code`. Amounts are integers in minor units of their currency. Instants are \
                       RFC 3339 in UTC. Unknown fields of requests are refused.\n\nThe scope beside a route is what its \
                       token or key must have. People have the scopes of their role; keys of machines (`cfi_…`, in the same \
                       header) those that they were given.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "this server")),
    tags(
        (name = "auth", description = "Sign-up, login, sessions"),
        (name = "me", description = "The caller's own account"),
        (name = "admin", description = "What the operator's people do. It needs a second factor, and where a `Step-Up` header is asked for, a fresh one"),
        (name = "billing", description = "Plans, payments, subscriptions"),
        (name = "telegram", description = "Linking a Telegram account, and the way into a channel"),
        (name = "webhooks", description = "What providers and Telegram call"),
        (name = "health", description = "Whether the process lives and can serve"),
    ),
    components(schemas(ProblemDocument, FieldProblem)),
    modifiers(&Bearer),
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Everything but the routes.
pub(crate) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The whole document, as `/api/openapi.json` answers it.
pub fn document() -> utoipa::openapi::OpenApi {
    complete(crate::api::router().into_openapi())
}

/// Whatever a route does not name by itself (a body that is too long, a time-out, a limit) is a problem document too.
pub(crate) fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new()
        .description("Any other refusal or failure")
        .content(crate::problem::CONTENT_TYPE, problem)
        .build();
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), response.clone().into());
        }
    }
    document
}

/// The page for people at `/api/docs`, from files inside the binary.
pub(crate) fn swagger_ui(document: utoipa::openapi::OpenApi) -> SwaggerUi {
    let config = Config::default().try_it_out_enabled(true).persist_authorization(false);
    SwaggerUi::new("/api/docs").url("/api/openapi.json", document).config(config)
}
