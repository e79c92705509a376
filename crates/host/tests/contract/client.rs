//! A client that knows nothing but a document.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

/// Headers that every HTTP answer may have, described or not.
const EVERYDAY: [&str; 6] =
    ["cache-control", "connection", "content-length", "content-type", "date", "x-content-type-options"];

/// What was sent.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a str,
    /// With its query string.
    pub(crate) path: &'a str,
    pub(crate) body: &'a str,
}

/// What came back.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A refusal that a path gave: operation, status, code.
pub(crate) type Given = (String, u16, String);

/// A document, as a program reads it.
pub(crate) struct Contract {
    pub(crate) document: Value,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Contract {
    pub(crate) fn new(document: Value) -> Self {
        Self { document }
    }

    /// Every operation: method, path, description.
    pub(crate) fn operations(&self) -> Vec<(String, String, &Value)> {
        let paths = self.document["paths"].as_object().expect("a document has paths");
        let of_path = |(path, item): (&String, &'_ Value)| {
            let path = path.clone();
            let item: &Value = item;
            let methods = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            methods.into_iter().map(move |method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        let named: Vec<_> = paths.iter().flat_map(of_path).collect();
        named
            .into_iter()
            .map(|(method, path)| {
                let operation = &self.document["paths"][&path][method.to_lowercase()];
                (method, path, operation)
            })
            .collect()
    }

    /// What is described at a path that was asked for.
    fn item(&self, path: &str) -> Option<(&str, &Value)> {
        let path = path.split('?').next().unwrap();
        let items = self.document["paths"].as_object().unwrap();
        let exact = items.get_key_value(path);
        let alike = || items.iter().find(|(template, _)| matches(template, path));
        exact.or_else(alike).map(|(template, item)| (template.as_str(), item))
    }

    pub(crate) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.strip_prefix('#').unwrap()).unwrap_or_else(|| {
                panic!("{reference} leads nowhere");
            }),
            None => value,
        }
    }

    /// Holds an answer to the document; says which refusal it was, or that the document has none like it.
    #[track_caller]
    pub(crate) fn check(&self, sent: Sent<'_>, told: &Told) -> Result<Option<Given>, String> {
        let what = format!("{} {} {} -> {} {}", sent.method, sent.path, sent.body, told.status, told.body);
        assert!(!told.header("x-request-id").is_empty(), "{what}");
        let Some((template, item)) = self.item(sent.path) else {
            let code = self.holds("not_found", told, &what);
            return Ok(Some(("(no path)".to_owned(), told.status, code)));
        };
        let operation = &item[sent.method.to_lowercase()];
        if operation.is_null() {
            let code = self.holds("method_not_allowed", told, &what);
            assert!(!told.header("allow").is_empty(), "{what}");
            return Ok(Some((template.to_owned(), told.status, code)));
        }
        let response = &operation["responses"][told.status.to_string()];
        let id = operation["operationId"].as_str().unwrap();
        if response.is_null() {
            return Err(format!("{id}: no {}: {what}", told.status));
        }
        let response = self.resolved(response);
        if let Some(code) = self.undescribed(response, told) {
            return Err(format!("{id}: no {code}: {what}"));
        }
        let code = self.answer(response, told, &what);
        self.request(operation, sent, told.status, &what);
        Ok(code.map(|code| (id.to_owned(), told.status, code)))
    }

    /// The code of a problem document that is not among those described.
    fn undescribed(&self, response: &Value, told: &Told) -> Option<String> {
        let content = &response["content"]["application/problem+json"];
        if told.header("content-type") != "application/problem+json" || content.is_null() {
            return None;
        }
        let code = told.json()["code"].as_str().unwrap_or_default().to_owned();
        content["examples"].get(&code).is_none().then_some(code)
    }

    /// Holds an answer to the description of the answers with one code.
    #[track_caller]
    fn holds(&self, code: &str, told: &Told, what: &str) -> String {
        let response = &self.document["components"]["responses"][code];
        // A sandbox's teller has a shape of its own, which only its paths describe.
        if told.header("content-type") == "application/json" {
            let error = told.json()["error"].as_str().unwrap_or_default().to_owned();
            assert_eq!(error.to_lowercase().replace(' ', "_"), code, "{what}");
            return code.to_owned();
        }
        let found = self.answer(response, told, what).unwrap_or_else(|| panic!("{what}: no refusal"));
        assert_eq!(found, code, "{what}");
        found
    }

    /// Holds an answer to one description; gives its code, if it is a refusal.
    #[track_caller]
    fn answer(&self, response: &Value, told: &Told, what: &str) -> Option<String> {
        self.headers(response, told, what);
        let media_type = told.header("content-type");
        let Some(content) = response["content"].as_object() else {
            assert_eq!((media_type, told.body.as_str()), ("", ""), "{what}: there is no body");
            return None;
        };
        let content = content.get(media_type).unwrap_or_else(|| panic!("{what}: {media_type} is not described"));
        if !media_type.contains("json") {
            return None;
        }
        let body = told.json();
        let errors = self.errors(&self.closed(&content["schema"]), &body);
        assert!(errors.is_empty(), "{what}: {errors:?}");
        if told.status < 400 {
            return None;
        }
        let examples = content["examples"].as_object().expect("a refusal is shown with each code");
        let same = |example: &Value| {
            let example = self.resolved(example);
            let code = &example["value"]["code"];
            if code.is_string() { *code == body["code"] } else { example["value"]["error"] == body["error"] }
        };
        let shown = examples.iter().find(|(_, example)| same(example));
        match shown {
            Some((code, _)) => Some(code.clone()),
            // Whether a host is ready is no refusal.
            None if body["status"] == "unavailable" => None,
            None => panic!("{what}: the code is not described"),
        }
    }

    #[track_caller]
    fn headers(&self, response: &Value, told: &Told, what: &str) {
        let described = response["headers"].as_object().cloned().unwrap_or_default();
        let described: Map<String, Value> =
            described.into_iter().map(|(name, header)| (name.to_lowercase(), header)).collect();
        for (name, value) in &told.headers {
            let Some(header) = described.get(name.as_str()) else {
                let page = name == "content-security-policy" && told.header("content-type").starts_with("text/");
                assert!(EVERYDAY.contains(&name.as_str()) || page, "{what}: {name} is not described");
                continue;
            };
            let text = value.to_str().unwrap();
            let schema = self.resolved(&header["schema"]);
            let value =
                if schema["type"] == "integer" { text.parse::<i64>().unwrap().into() } else { Value::from(text) };
            let errors = self.errors(&self.closed(schema), &value);
            assert!(errors.is_empty(), "{what}: {name}: {errors:?}");
        }
        for (name, statuses) in [("retry-after", [429, 503]), ("www-authenticate", [401, 401]), ("allow", [405, 405])] {
            // A host that is not ready refuses nothing.
            let refused = told.header("content-type") != "application/json";
            if statuses.contains(&told.status) && refused {
                assert!(told.headers.contains_key(name), "{what}: {name} is missing");
            }
        }
    }

    /// What was taken has the form that the document asks for, and its parameters are described.
    #[track_caller]
    fn request(&self, operation: &Value, sent: Sent<'_>, status: u16, what: &str) {
        if status >= 300 {
            return;
        }
        let described: BTreeSet<_> =
            operation["parameters"].as_array().into_iter().flatten().filter_map(|own| own["name"].as_str()).collect();
        let query = sent.path.split_once('?').map_or("", |(_, query)| query);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, _) = parameter.split_once('=').unwrap();
            assert!(described.contains(name), "{what}: {name} was taken");
        }
        let body = &operation["requestBody"];
        if body.is_null() {
            assert_eq!(sent.body, "", "{what}");
            return;
        }
        let errors = self.body_errors(operation, &serde_json::from_str(sent.body).unwrap());
        assert!(errors.is_empty(), "{what} was taken: {errors:?}");
    }

    /// What the document has against a request's body.
    pub(crate) fn body_errors(&self, operation: &Value, body: &Value) -> Vec<String> {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        self.errors(&self.inlined(schema, Openness::AsDescribed), body)
    }

    pub(crate) fn errors(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(schema);
        let validator = validator.unwrap_or_else(|error| panic!("{error} in {schema}"));
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// A schema without references, whose objects have no fields but those described.
    pub(crate) fn closed(&self, schema: &Value) -> Value {
        self.inlined(schema, Openness::Closed)
    }

    fn inlined(&self, schema: &Value, openness: Openness) -> Value {
        let schema = self.resolved(schema);
        let Some(object) = schema.as_object() else { return schema.clone() };
        if let Some(parts) = object.get("allOf").and_then(Value::as_array) {
            return self.merged(parts, openness);
        }
        let each = |value: &Value| -> Value {
            match value {
                Value::Array(list) => list.iter().map(|own| self.inlined(own, openness)).collect(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                    self.inlined(value, openness)
                }
            }
        };
        let mut inlined: Map<String, Value> = object.clone();
        for keyword in ["items", "oneOf", "anyOf", "additionalProperties"] {
            if let Some(value) = inlined.get_mut(keyword) {
                *value = each(value);
            }
        }
        if let Some(properties) = inlined.get_mut("properties").and_then(Value::as_object_mut) {
            properties.values_mut().for_each(|property| *property = self.inlined(property, openness));
            if openness == Openness::Closed {
                inlined.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Object(inlined)
    }

    /// Objects that are described together, as one.
    fn merged(&self, parts: &[Value], openness: Openness) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for part in parts {
            let part = self.inlined(part, Openness::AsDescribed);
            required.extend(part["required"].as_array().cloned().unwrap_or_default());
            for (name, property) in part["properties"].as_object().cloned().unwrap_or_default() {
                let both = match properties.remove(&name) {
                    Some(before) => json!({"allOf": [before, property]}),
                    None => property,
                };
                properties.insert(name, both);
            }
        }
        let mut merged = json!({"type": "object", "properties": properties, "required": required});
        if openness == Openness::Closed {
            merged["additionalProperties"] = json!(false);
        }
        merged
    }
}

/// Whether objects may have fields that are not described.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Openness {
    AsDescribed,
    Closed,
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let alike = |(own, other): (&&str, &&str)| own == other || (own.starts_with('{') && !other.is_empty());
    template.len() == path.len() && template.iter().zip(&path).all(alike)
}
