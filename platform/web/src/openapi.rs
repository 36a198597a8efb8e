//! What is the same in every service's API document, and what a document may not leave out.

use std::collections::BTreeSet;

use contracts::{
    PAGE_ROWS_MAX,
    text::{NOT_BLANK_PATTERN, ONE_LINE_PATTERN},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, Content, InfoBuilder, Object, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
        ResponseBuilder, Schema, Type,
        path::{Operation, Parameter, ParameterIn, PathItem},
    },
};

use crate::{authentication::security_schemes, extract::IDEMPOTENCY_KEY_CHARS_MAX, problem::PROBLEM_JSON};

/// Marks an operation that changes something and takes no body, so that a forgotten body is noticed.
const WITHOUT_BODY: &str = "x-without-body";

/// Adds the title, the problems with which every operation refuses, and what handlers leave out because it is the same
/// everywhere: the descriptions of responses, and the bounds of common parameters.
pub(crate) fn complete(mut document: OpenApi, title: &str, description: &str) -> OpenApi {
    document.info =
        InfoBuilder::new().title(title).description(Some(description)).version(env!("CARGO_PKG_VERSION")).build();
    if document.paths.paths.is_empty() {
        return document;
    }
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations_mut) {
        complete_responses(operation);
        operation.parameters.iter_mut().flatten().filter_map(inline_mut).for_each(complete_parameter);
    }
    let problem = contracts::problem::Problem::name().into_owned();
    let schema = contracts::problem::Problem::schema();
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.schemas.entry(problem).or_insert(schema);
    for (name, scheme) in security_schemes() {
        components.security_schemes.insert(name.into(), scheme.into());
    }
    components.schemas.values_mut().filter_map(inline_mut).for_each(complete_texts);
    document
}

/// What the document of an API leaves out, an operation and a finding in each: `POST /api/Order: no request body`.
/// For a test of every service's document.
#[must_use]
pub fn incomplete_operations(document: &OpenApi) -> Vec<String> {
    let mut findings = Vec::new();
    let mut ids = BTreeSet::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(item) {
            let mut find = |finding: &str| findings.push(format!("{method} {path}: {finding}"));
            let has_no_body = operation.extensions.iter().any(|extensions| extensions.contains_key(WITHOUT_BODY));
            if matches!(method, "PUT" | "POST" | "PATCH") && operation.request_body.is_none() && !has_no_body {
                find("no request body");
            }
            if operation
                .request_body
                .as_ref()
                .and_then(inline)
                .is_some_and(|body| body.required != Some(Required::True))
            {
                find("a request body that is not required");
            }
            match &operation.operation_id {
                None => find("no operationId"),
                Some(id) if !ids.insert(id) => find(&format!("the operationId {id} of another operation")),
                Some(_) => {}
            }
            if operation.security.is_none() {
                find("no policy");
            }
            if operation.summary.as_deref().unwrap_or_default().is_empty() {
                find("no summary");
            }
            for parameter in operation.parameters.iter().flatten().filter_map(inline) {
                if parameter.parameter_in != ParameterIn::Path && parameter.description.is_none() {
                    find(&format!("no description of the parameter {}", parameter.name));
                }
            }
            for (status, response) in &operation.responses.responses {
                if matches!(response, RefOr::T(response) if response.description.is_empty()) {
                    find(&format!("no description of the response {status}"));
                }
            }
        }
    }
    findings
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// What is written here and not elsewhere in the document.
fn inline<T>(value: &RefOr<T>) -> Option<&T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

fn inline_mut<T>(value: &mut RefOr<T>) -> Option<&mut T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

fn complete_responses(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            default_description(status).clone_into(&mut response.description);
        }
        if status.starts_with(['4', '5']) {
            as_problem(response);
        }
    }
    responses.entry("default".into()).or_insert_with(refusal);
}

/// A handler declares the body of a refusal as JSON; its media type is that of a problem.
fn as_problem(refusal: &mut Response) {
    if let Some(body) = refusal.content.swap_remove("application/json") {
        refusal.content.insert(PROBLEM_JSON.into(), body);
    }
}

fn refusal() -> RefOr<Response> {
    let problem = Ref::from_schema_name(contracts::problem::Problem::name());
    let response = ResponseBuilder::new()
        .description("A refusal: what happened, to what, and what to do now.")
        .content(PROBLEM_JSON, Content::new(Some(problem)))
        .build();
    RefOr::T(response)
}

fn default_description(status: &str) -> &'static str {
    match status {
        "200" => "Success",
        "201" => "Created",
        "204" => "Done, without a body",
        "304" => "Not changed",
        "400" => "The request cannot be understood",
        "401" => "No valid credential",
        "403" => "Not allowed for this caller",
        "404" => "There is no such thing",
        "409" => "Not possible in the current state",
        "412" => "Changed since it was read",
        "422" => "Understood, but not acceptable",
        "503" => "Not available right now; try again after Retry-After",
        _ => "See the status",
    }
}

/// The form of the parameters that mean the same in every operation.
fn complete_parameter(parameter: &mut Parameter) {
    match (&parameter.parameter_in, parameter.name.as_str()) {
        (ParameterIn::Header, "Idempotency-Key") => {
            let key = text_schema("^[!-~]+$").min_length(Some(1)).max_length(Some(IDEMPOTENCY_KEY_CHARS_MAX));
            parameter.schema = Some(key.into());
            parameter.description.get_or_insert_with(|| {
                "A repeated request with the same key gets the first response. Send a new UUID for each new thing."
                    .into()
            });
        }
        (ParameterIn::Header, "If-Match") => {
            parameter.schema = Some(text_schema(r#"^(\*|"[0-9]{1,18}")$"#).into());
            parameter.description.get_or_insert_with(|| "The ETag of what was read.".into());
        }
        (ParameterIn::Query, "limit") => {
            if let Some(RefOr::T(Schema::Object(limit))) = &mut parameter.schema {
                limit.minimum = Some(1.into());
                limit.maximum.get_or_insert_with(|| PAGE_ROWS_MAX.into());
            }
        }
        _ => {
            if let Some(RefOr::T(Schema::Object(value))) = &mut parameter.schema {
                complete_text(value);
            }
        }
    }
}

/// The form of the texts that clients send; only those have a maximal length.
fn complete_texts(schema: &mut Schema) {
    let Schema::Object(object) = schema else { return };
    for property in object.properties.values_mut().filter_map(inline_mut) {
        if let Schema::Object(text) = property {
            complete_text(text);
        }
    }
}

/// A text is one line unless it names another pattern. One that needs a character needs one that is not white space.
fn complete_text(text: &mut Object) {
    if text.max_length.is_some() && text.pattern.is_none() {
        let pattern = if text.min_length.is_some() { NOT_BLANK_PATTERN } else { ONE_LINE_PATTERN };
        text.pattern = Some(pattern.into());
    }
}

fn text_schema(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}
