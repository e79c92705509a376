//! What was found as pages of HTML that need nothing else: `policies` compares, `course` shows how towns stood by time.

mod course;
mod policies;

use std::fmt::Write as _;

pub use course::page as course_page;
pub use policies::page as policies_page;

/// A plot's size, and the space around it.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 320;
const MARGIN: i64 = 60;

/// How every page begins.
fn head(title: &str, heading: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{title}</title>\n\
         <style>body{{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}}\
         table{{border-collapse:collapse}}td,th{{padding:.3rem .8rem;border-bottom:1px solid #bbb;text-align:right}}\
         td:first-child,th:first-child{{text-align:left}}text{{font:13px sans-serif}}pre{{overflow:auto}}</style>\n\
         <h1>{heading}</h1>\n"
    )
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("memory takes everything");
}
