//! `/swagger.json` and `/swagger/`: what the endpoints are, for programs and for people.
//!
//! Invariants:
//! - The table of routes says which paths and methods there are; only the words are added here. A route without words does
//!   not compile, and a test asks the table about every path.
//! - The page needs nothing but itself: no script, no font, no other host.

mod page;
mod words;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use serde_json::{Map, Value, json};
use shared::carrier::HEADER_FAULT;
use shared::outcome::ServerError;
use shared::route::Route;

use self::words::{Said, Where};
use super::Plain;

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What a page may do: show itself.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");

/// Those that Swagger 2.0 can describe. A route that takes any method takes these, and others of the client's invention.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

/// The description, made once.
pub(crate) struct Swagger {
    document: Bytes,
    page: Bytes,
}

impl Swagger {
    /// Of the endpoints below a prefix: empty or `/` for none, or `/` and a name.
    pub(crate) fn new(prefix: &str) -> Swagger {
        let prefix = prefix.trim_end_matches('/');
        let document = serde_json::to_string_pretty(&document(prefix)).expect("keys are texts");
        Swagger { document: document.into(), page: page::page(prefix).into() }
    }

    /// `/swagger.json` and everything below `/swagger/`.
    pub(super) fn answer(&self, route: Route, path: &str) -> Plain {
        match (route, path) {
            // podinfo's has no type, and clients guess that it is text.
            (Route::SwaggerJson, _) | (_, "/swagger/doc.json") => {
                Plain::of(StatusCode::OK, JSON, self.document.clone())
            }
            (_, "/swagger/" | "/swagger/index.html") => {
                Plain::of(StatusCode::OK, HTML, self.page.clone()).with(CONTENT_SECURITY_POLICY, POLICY)
            }
            _ => {
                let unknown = Plain::of(StatusCode::NOT_FOUND, TEXT, "404 page not found\n");
                Plain { error: Some(ServerError::BadRequest), ..unknown }
            }
        }
    }
}

/// The methods of a route that can be described.
fn methods(route: Route) -> impl Iterator<Item = &'static str> {
    METHODS.into_iter().filter(move |method| route.takes(method))
}

/// Swagger 2.0, as podinfo has it.
fn document(prefix: &str) -> Value {
    let mut paths = Map::new();
    for route in Route::ALL {
        let said = words::of(route);
        for template in said.paths {
            let operations =
                methods(route).map(|method| (method.to_lowercase(), operation(route, &said, template, method)));
            paths.insert((*template).to_owned(), Value::Object(operations.collect()));
        }
    }
    json!({
        "swagger": "2.0",
        "info": {
            "title": "target-server",
            "description": "A target whose status, delay, size and misbehaviour any caller sets per request, \
                with the endpoints of podinfo.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "basePath": if prefix.is_empty() { "/" } else { prefix },
        "schemes": ["http", "https"],
        "paths": paths,
        "parameters": {
            "fault": {
                "name": HEADER_FAULT,
                "in": "header",
                "type": "string",
                "required": false,
                "description": "What else is asked of the answer, such as `status=503; delay=1s`.",
            },
        },
        "definitions": {
            "Error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": { "type": "integer", "description": "The status of this answer." },
                    "message": { "type": "string" },
                },
            },
        },
    })
}

fn operation(route: Route, said: &Said, template: &str, method: &str) -> Value {
    let has_parameter = |name: &str| template.contains(&format!("{{{name}}}"));
    let mut parameters: Vec<Value> = Vec::new();
    for (place, name, description) in said.parameters {
        match place {
            Where::Path if has_parameter(name) => parameters.push(json!({
                "name": name, "in": "path", "type": "string", "required": true, "description": description,
            })),
            Where::Header => parameters.push(json!({
                "name": name, "in": "header", "type": "string", "required": false, "description": description,
            })),
            Where::Body if matches!(method, "POST" | "PUT" | "PATCH") => parameters.push(json!({
                "name": name, "in": "body", "required": false, "description": description,
                "schema": { "type": "string", "format": "binary" },
            })),
            Where::Path | Where::Body => {}
        }
    }
    let mut responses = Map::new();
    if let Some(status) = success(route, said, method) {
        responses.insert(status.to_string(), json!({ "description": said.success.1 }));
    }
    for (methods, status, description) in said.errors {
        if methods.is_empty() || methods.contains(&method) {
            responses.insert(status.to_string(), error(description));
        }
    }
    if !route.is_spared() {
        parameters.push(json!({ "$ref": "#/parameters/fault" }));
        // One description per status: what the route itself says of it goes first.
        let broken = "The fault that is asked for cannot be read, or does not fit.";
        responses.entry("400").or_insert_with(|| json!({ "description": broken }));
        responses.insert("default".to_owned(), json!({ "description": "What a fault asks for." }));
    }
    let id: String = template.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    json!({
        "operationId": format!("{}{id}", method.to_lowercase()),
        "tags": [said.group],
        "summary": said.summary,
        "produces": said.produces,
        "parameters": parameters,
        "responses": responses,
    })
}

/// The status of what goes well, where it can.
fn success(route: Route, said: &Said, method: &str) -> Option<u16> {
    match (route, said.success.0) {
        (Route::Cache, _) if matches!(method, "POST" | "PUT" | "DELETE") => Some(202),
        (Route::WsEcho, _) if method != "GET" => None,
        (_, 0) => Some(route.plain_status()),
        (_, status) => Some(status),
    }
}

/// An error of a route's own, which has podinfo's form unless its description says otherwise.
fn error(description: &str) -> Value {
    match description.strip_suffix(words::NO_BODY) {
        Some(_) => json!({ "description": description }),
        None => json!({ "description": description, "schema": { "$ref": "#/definitions/Error" } }),
    }
}

#[cfg(test)]
mod tests;
