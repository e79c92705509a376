//! Pages for people, the document itself, health and metrics: what needs nothing and asks for no form.

use axum::http::StatusCode;
use cashpoint_wire::problem::Code;
use cashpoint_wire::schema::{AnyObject, Health};

use crate::openapi::{Operation, Tag, Verb};

const HTML: &str = "text/html; charset=utf-8";

pub(in crate::rest) fn landing() -> Operation {
    Operation::new(Verb::Get, "/", "getStart").says(Tag::Documentation, "Says where to begin", "").answers_text(HTML)
}

pub(in crate::rest) fn document() -> Operation {
    Operation::new(Verb::Get, "/openapi.json", "getDocument")
        .says(
            Tag::Documentation,
            "Tells this document",
            "Of the host that is asked: a sandbox's has the sandbox's paths.",
        )
        .answers::<AnyObject>(&[])
}

pub(in crate::rest) fn documentation() -> Operation {
    Operation::new(Verb::Get, "/docs", "getDocumentation")
        .says(Tag::Documentation, "Shows this document to people", "")
        .answers_text(HTML)
}

pub(in crate::rest) fn errors() -> Operation {
    Operation::new(Verb::Get, "/docs/errors", "getErrorCodes")
        .says(
            Tag::Documentation,
            "Explains every code",
            "Status, text, what it means inside, and who can do something about it.",
        )
        .answers_text(HTML)
}

pub(in crate::rest) fn style() -> Operation {
    Operation::new(Verb::Get, "/docs/style.css", "getStyle")
        .says(Tag::Documentation, "How the pages look", "")
        .answers_text("text/css; charset=utf-8")
}

pub(in crate::rest) fn live() -> Operation {
    Operation::new(Verb::Get, "/health/live", "getLiveness")
        .says(Tag::Operations, "Tells that the process answers", "")
        .answers::<Health>(&[("Live", r#"{"status":"live"}"#)])
}

pub(in crate::rest) fn ready() -> Operation {
    Operation::new(Verb::Get, "/health/ready", "getReadiness")
        .says(Tag::Operations, "Tells whether the database answers too", "")
        .answers::<Health>(&[("Ready", r#"{"status":"ready"}"#)])
        .or_answers(StatusCode::SERVICE_UNAVAILABLE, "It does not, or nobody has time to ask it.")
        .refuses(&[Code::Overloaded])
}

pub(in crate::rest) fn metrics() -> Operation {
    Operation::new(Verb::Get, "/metrics", "getMetrics")
        .says(Tag::Operations, "Tells what the host has counted", "In the text format of Prometheus.")
        .answers_text("text/plain; version=0.0.4; charset=utf-8")
}
