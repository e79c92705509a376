//! The document as a page for people: plain HTML, no scripts, nothing from elsewhere.

use std::fmt::Write as _;

use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Required, Response};

use super::document::Document;
use crate::pages::{escaped, page};

/// Writes the page.
pub(super) fn documentation(document: &Document) -> String {
    let mut renderer = Renderer { document, html: String::new() };
    renderer.whole();
    page("The interface of Cashpoint", &renderer.html)
}

struct Renderer<'a> {
    document: &'a Document,
    html: String,
}

/// Appends to a text.
macro_rules! put {
    ($renderer:expr, $($part:tt)*) => { write!($renderer.html, $($part)*).expect("a text takes more text") };
}

impl<'a> Renderer<'a> {
    fn whole(&mut self) {
        let openapi: &'a OpenApi = &self.document.openapi;
        put!(self, "<h1>{} {}</h1>\n", escaped(&openapi.info.title), escaped(&openapi.info.version));
        put!(
            self,
            "<p><a href=\"/openapi.json\">OpenAPI document</a> · <a href=\"/docs/errors\">Error codes</a></p>\n"
        );
        put!(self, "{}", prose(openapi.info.description.as_deref().unwrap_or_default()));
        let tags = openapi.tags.as_deref().unwrap_or_default();
        self.contents(tags.iter().map(|tag| tag.name.as_str()));
        for tag in tags {
            put!(self, "<h2 id=\"{0}\">{0}</h2>\n", escaped(&tag.name));
            put!(self, "{}", prose(tag.description.as_deref().unwrap_or_default()));
            for (method, path, operation) in self.operations(&tag.name) {
                self.operation(method, path, operation);
            }
        }
        self.schemas();
    }

    /// A tag's operations: method, path and what is said of them.
    fn operations(&self, tag: &str) -> Vec<(&'static str, &'a str, &'a Operation)> {
        let document: &'a Document = self.document;
        let mut found = Vec::new();
        for (path, item) in &document.openapi.paths.paths {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            for (method, operation) in methods {
                let tagged = |operation: &&Operation| operation.tags.iter().flatten().any(|own| own == tag);
                found.extend(operation.as_ref().filter(tagged).map(|operation| (method, path.as_str(), operation)));
            }
        }
        found
    }

    fn contents<'t>(&mut self, tags: impl Iterator<Item = &'t str>) {
        put!(self, "<nav>\n");
        for tag in tags {
            put!(self, "<h4>{}</h4>\n<ul>\n", escaped(tag));
            for (method, path, operation) in self.operations(tag) {
                let (id, summary) = (operation.operation_id.as_deref(), operation.summary.as_deref());
                let (id, summary) = (id.unwrap_or_default(), escaped(summary.unwrap_or_default()));
                let path = escaped(path);
                put!(self, "<li><a href=\"#{id}\"><code>{method} {path}</code></a> {summary}</li>\n");
            }
            put!(self, "</ul>\n");
        }
        put!(self, "</nav>\n");
    }

    fn operation(&mut self, method: &str, path: &str, operation: &Operation) {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        put!(self, "<section id=\"{id}\">\n<h3><code>{method} {}</code></h3>\n", escaped(path));
        put!(self, "<p><b>{}.</b></p>\n", escaped(operation.summary.as_deref().unwrap_or_default()));
        put!(self, "{}", prose(operation.description.as_deref().unwrap_or_default()));
        self.security(operation);
        self.parameters(operation.parameters.as_deref().unwrap_or_default());
        if let Some(body) = &operation.request_body {
            put!(self, "<h4>Request</h4>\n");
            if let RefOr::T(body) = body {
                body.content.iter().for_each(|(media_type, content)| self.content(media_type, content));
            }
        }
        put!(self, "<h4>Answers</h4>\n");
        for (status, response) in &operation.responses.responses {
            self.response(status, response);
        }
        put!(self, "</section>\n");
    }

    fn security(&mut self, operation: &Operation) {
        let ways = operation.security.iter().flatten().map(|way| {
            let names = serde_json::to_value(way).unwrap_or_default();
            let names: Vec<_> = names.as_object().into_iter().flat_map(serde_json::Map::keys).cloned().collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(" and ") }
        });
        put!(self, "<p>Needs: {}.</p>\n", escaped(&ways.collect::<Vec<_>>().join(", or ")));
    }

    fn parameters(&mut self, parameters: &[RefOr<Parameter>]) {
        let parameters = parameters.iter().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        });
        let rows: Vec<String> = parameters
            .map(|parameter| {
                let place = serde_json::to_value(&parameter.parameter_in).unwrap_or_default();
                let place = place.as_str().unwrap_or_default().to_owned();
                let need = if matches!(parameter.required, Required::True) { "required" } else { "" };
                format!(
                    "<tr><td><code>{}</code></td><td>{place}</td><td>{}</td><td>{need}</td><td>{}</td></tr>\n",
                    escaped(&parameter.name),
                    parameter.schema.as_ref().map(kind).unwrap_or_default(),
                    inline(parameter.description.as_deref().unwrap_or_default())
                )
            })
            .collect();
        if !rows.is_empty() {
            put!(self, "<h4>Parameters</h4>\n<table>\n{}</table>\n", rows.concat());
        }
    }

    fn response(&mut self, status: &str, response: &RefOr<Response>) {
        let document: &'a Document = self.document;
        let components = document.openapi.components.as_ref();
        let response = match response {
            RefOr::T(response) => response,
            RefOr::Ref(reference) => {
                let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
                match components.and_then(|components| components.responses.get(name)) {
                    Some(RefOr::T(response)) => response,
                    Some(RefOr::Ref(_)) | None => return,
                }
            }
        };
        put!(self, "<details{}><summary><b>{status}</b> ", if status.starts_with('2') { " open" } else { "" });
        let problems = status.starts_with(['4', '5']);
        if problems {
            let codes = response.description.lines().filter_map(|line| line.strip_prefix('`')?.split('`').next());
            let codes = codes.map(|code| format!("<a href=\"/docs/errors#{code}\"><code>{code}</code></a>"));
            put!(self, "{}", codes.collect::<Vec<_>>().join(", "));
        } else {
            put!(self, "{}", inline(&response.description));
        }
        put!(self, "</summary>\n");
        for (name, header) in &response.headers {
            if let RefOr::T(header) = header {
                let description = inline(header.description.as_deref().unwrap_or_default());
                put!(self, "<p><code>{}</code>: {description}</p>\n", escaped(name));
            }
        }
        response.content.iter().for_each(|(media_type, content)| self.content(media_type, content));
        put!(self, "</details>\n");
    }

    fn content(&mut self, media_type: &str, content: &RefOr<Content>) {
        let RefOr::T(content) = content else { return };
        let schema = content.schema.as_ref().map(kind).unwrap_or_default();
        put!(self, "<p><code>{}</code> {schema}</p>\n", escaped(media_type));
        for example in content.examples.values() {
            if let RefOr::T(example) = example
                && let Some(text) = example.value.as_ref().and_then(|value| self.document.examples.written(value))
            {
                put!(self, "<pre>{}</pre>\n", escaped(text));
            }
        }
    }

    fn schemas(&mut self) {
        put!(self, "<h2 id=\"schemas\">Bodies and what they are made of</h2>\n");
        let document: &'a Document = self.document;
        let Some(components) = &document.openapi.components else { return };
        for (name, schema) in &components.schemas {
            put!(self, "<section id=\"schema-{0}\">\n<h3>{0}</h3>\n", escaped(name));
            if let RefOr::T(schema) = schema {
                self.schema(schema);
            }
            put!(self, "</section>\n");
        }
    }

    fn schema(&mut self, schema: &Schema) {
        if let Schema::Object(object) = schema {
            put!(self, "{}", prose(object.description.as_deref().unwrap_or_default()));
            if object.properties.is_empty() {
                put!(self, "<p>{}</p>\n", of_schema(schema));
                return;
            }
            put!(self, "<table>\n");
            for (name, property) in &object.properties {
                let need = if object.required.iter().any(|own| own == name) { "required" } else { "" };
                let (kind, description) = (kind(property), inline(description(property)));
                let name = escaped(name);
                put!(
                    self,
                    "<tr><td><code>{name}</code></td><td>{kind}</td><td>{need}</td><td>{description}</td></tr>\n"
                );
            }
            put!(self, "</table>\n");
        } else {
            put!(self, "<p>{}</p>\n", of_schema(schema));
        }
    }
}

fn description(schema: &RefOr<Schema>) -> &str {
    match schema {
        RefOr::Ref(reference) => &reference.description,
        RefOr::T(Schema::Object(object)) => object.description.as_deref().unwrap_or_default(),
        RefOr::T(Schema::Array(array)) => array.description.as_deref().unwrap_or_default(),
        RefOr::T(_) => "",
    }
}

/// What a value is, with links.
fn kind(schema: &RefOr<Schema>) -> String {
    match schema {
        RefOr::Ref(reference) => {
            let name = escaped(reference.ref_location.rsplit('/').next().unwrap_or_default());
            format!("<a href=\"#schema-{name}\">{name}</a>")
        }
        RefOr::T(schema) => of_schema(schema),
    }
}

fn of_schema(schema: &Schema) -> String {
    let joined = |parts: &[RefOr<Schema>], word: &str| parts.iter().map(kind).collect::<Vec<_>>().join(word);
    match schema {
        Schema::OneOf(either) => joined(&either.items, " or "),
        Schema::AnyOf(either) => joined(&either.items, " or "),
        Schema::AllOf(both) => joined(&both.items, ", "),
        Schema::Array(array) => match &array.items {
            utoipa::openapi::schema::ArrayItems::RefOrSchema(items) => format!("list of {}", kind(items)),
            utoipa::openapi::schema::ArrayItems::False => "list".to_owned(),
        },
        Schema::Object(object) => {
            if let Some(values) = &object.enum_values {
                let values = values.iter().map(|value| format!("<code>{}</code>", escaped(&value.to_string())));
                return values.collect::<Vec<_>>().join(", ");
            }
            let nested = object.properties.keys().map(|name| format!("<code>{}</code>", escaped(name)));
            let pattern = object.pattern.as_ref().map(|pattern| format!(" <code>{}</code>", escaped(pattern)));
            let nested: Vec<_> = nested.collect();
            format!("{}{} {}", types(&object.schema_type), pattern.unwrap_or_default(), nested.join(", "))
        }
        // The enum may grow.
        _ => String::new(),
    }
}

fn types(schema_type: &SchemaType) -> String {
    let name = |one: &Type| serde_json::to_value(one).ok().and_then(|name| name.as_str().map(str::to_owned));
    match schema_type {
        SchemaType::Type(one) => name(one).unwrap_or_default(),
        SchemaType::Array(several) => several.iter().filter_map(name).collect::<Vec<_>>().join(" or "),
        SchemaType::AnyValue => "anything".to_owned(),
    }
}

/// Paragraphs.
fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", inline(paragraph))).collect()
}

/// What stands between backticks is code, between two asterisks strong.
fn inline(text: &str) -> String {
    let between = |text: &str, mark: &str, tag: &str| {
        let parts = text.split(mark).enumerate();
        let wrapped =
            parts.map(|(at, part)| if at % 2 == 0 { part.to_owned() } else { format!("<{tag}>{part}</{tag}>") });
        wrapped.collect::<String>()
    };
    between(&between(&escaped(text), "`", "code"), "**", "strong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_marks_code_and_escapes_the_rest() {
        assert_eq!(inline("a `<b>` & **c**"), "a <code>&lt;b&gt;</code> &amp; <strong>c</strong>");
        assert_eq!(prose("one\n\ntwo"), "<p>one</p>\n<p>two</p>\n");
    }
}
