//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

use cashpoint_bank::measures::Distribution;

/// The format's media type.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of numbers a family has.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// Values by upper bounds.
    Histogram,
}

/// What a histogram's values are counted in, and told in.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// As they are.
    One,
    /// Microseconds, told in seconds.
    Micros,
}

/// Metrics on their way out.
pub(super) struct Text(String);

/// A family of metrics; its samples follow.
pub(super) struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

/// Names and values; the values are texts of our own or were checked when they came in, and need no escaping.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Text {
    pub(super) fn new() -> Self {
        Self(String::with_capacity(64 * 1024))
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Begins a family.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a text takes more text");
        Family { out: &mut self.0, name }
    }

    /// A family of one number without labels.
    pub(super) fn single(&mut self, name: &'static str, kind: Kind, help: &'static str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }
}

impl Family<'_> {
    /// One number.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// All numbers of a histogram.
    pub(super) fn distribution(&mut self, labels: Labels<'_>, unit: Unit, distribution: &Distribution) {
        for (bound, count) in &distribution.at_most {
            self.line("_bucket", labels, Some(&in_unit(*bound, unit)), count);
        }
        self.line("_bucket", labels, Some("+Inf"), distribution.count);
        self.line("_sum", labels, None, in_unit(distribution.sum, unit));
        self.line("_count", labels, None, distribution.count);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: impl Display) {
        let (out, name) = (&mut *self.out, self.name);
        write!(out, "{name}{suffix}").expect("a text takes more text");
        let bound = bound.map(|bound| ("le", bound));
        for (place, (label, text)) in labels.iter().copied().chain(bound).enumerate() {
            write!(out, "{}{label}=\"{text}\"", if place == 0 { '{' } else { ',' }).expect("a text takes more text");
        }
        let end = if labels.is_empty() && bound.is_none() { "" } else { "}" };
        writeln!(out, "{end} {value}").expect("a text takes more text");
    }
}

/// Exactly: no float comes between.
fn in_unit(value: u64, unit: Unit) -> String {
    match unit {
        Unit::One => value.to_string(),
        Unit::Micros => {
            let text = format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_bank::measures::Histogram;

    use super::*;

    #[test]
    fn it_writes_the_format() {
        let mut text = Text::new();
        text.single("a_total", Kind::Counter, "One.", 3);
        let mut family = text.family("b", Kind::Gauge, "Two.");
        family.sample(&[("x", "1"), ("y", "2")], "100.00");
        let histogram = Histogram::new(&[100, 2_500_000]);
        histogram.record(100);
        histogram.record(3_000_000);
        text.family("c_seconds", Kind::Histogram, "Three.").distribution(
            &[("x", "1")],
            Unit::Micros,
            &histogram.distribution(),
        );
        let expected = "# HELP a_total One.\n# TYPE a_total counter\na_total 3\n\
            # HELP b Two.\n# TYPE b gauge\nb{x=\"1\",y=\"2\"} 100.00\n\
            # HELP c_seconds Three.\n# TYPE c_seconds histogram\n\
            c_seconds_bucket{x=\"1\",le=\"0.0001\"} 1\nc_seconds_bucket{x=\"1\",le=\"2.5\"} 1\n\
            c_seconds_bucket{x=\"1\",le=\"+Inf\"} 2\nc_seconds_sum{x=\"1\"} 3.0001\nc_seconds_count{x=\"1\"} 2\n";
        assert_eq!(text.into_string(), expected);
    }
}
