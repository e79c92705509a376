//! `/health/live`, `/health/ready`, `/metrics`

use crate::support::{Demo, Host};

#[test]
fn it_shows_health_on_the_operations_port_and_only_there() {
    let host = Host::start(&[]);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let answer = host.operations().get(path).send();
        assert_eq!(answer.status(), 200, "{answer}");
        host.get(path).refused(404, "not_found", "");
    }
    assert_eq!(host.operations().get("/api/accounts").send().status(), 404);
}

#[test]
fn it_shows_health_on_the_one_port_of_a_demo() {
    let demo = Demo::start();
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(demo.get(path).send().status(), 200, "{path}");
    }
    let metrics = demo.get("/metrics").send();
    assert!(metrics.header("content-type").is_some_and(|media| media.starts_with("text/plain")), "{metrics}");
    for line in metrics.text().lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let value = line.rsplit(' ').next().unwrap_or_default();
        assert!(value.parse::<f64>().is_ok(), "{line:?} is no sample");
    }
}
