//! What is the same in every service's API document.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, Content, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, PathItem},
    },
};

use crate::problem::PROBLEM_JSON;

/// Adds the title, and that each operation refuses with problems.
pub(crate) fn complete(mut document: OpenApi, title: &str, description: &str) -> OpenApi {
    document.info =
        InfoBuilder::new().title(title).description(Some(description)).version(env!("CARGO_PKG_VERSION")).build();
    if document.paths.paths.is_empty() {
        return document;
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        responses
            .iter_mut()
            .filter(|(status, _)| status.starts_with(['4', '5']))
            .for_each(|(_, refusal)| as_problem(refusal));
        responses.entry("default".into()).or_insert_with(refusal);
    }
    let problem = contracts::problem::Problem::name().into_owned();
    let schema = contracts::problem::Problem::schema();
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.schemas.entry(problem).or_insert(schema);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// A handler declares the body of a refusal as JSON; its media type is that of a problem.
fn as_problem(refusal: &mut RefOr<utoipa::openapi::Response>) {
    let RefOr::T(refusal) = refusal else { return };
    if let Some(body) = refusal.content.swap_remove("application/json") {
        refusal.content.insert(PROBLEM_JSON.into(), body);
    }
}

fn refusal() -> RefOr<utoipa::openapi::Response> {
    let problem = Ref::from_schema_name(contracts::problem::Problem::name());
    let response = ResponseBuilder::new()
        .description("A refusal: what happened, to what, and what to do now.")
        .content(PROBLEM_JSON, Content::new(Some(problem)))
        .build();
    RefOr::T(response)
}
