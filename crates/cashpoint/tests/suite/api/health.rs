//! `/health/live`, `/health/ready`, `/metrics`

use crate::support::{Demo, Host, Site};

#[test]
fn it_shows_health_on_the_operations_port_and_only_there() {
    let host = Host::start(&[]);
    for path in ["/health/live", "/health/ready"] {
        let answer = host.operations().get(path).send();
        assert_eq!(answer.status(), 200, "{answer}");
    }
    for path in ["/health/live", "/health/ready", "/metrics"] {
        host.get(path).refused(404, "not_found", "");
    }
    assert_eq!(host.operations().get("/api/accounts").send().status(), 404);
    assert_eq!(host.operations().post("/api/sessions").json("{}").send().status(), 404);
}

#[test]
fn it_shows_health_on_the_one_port_of_a_demo() {
    let demo = Demo::start();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(demo.get(path).send().status(), 200, "{path}");
    }
}

#[test]
fn it_shows_metrics_on_the_operations_port_and_in_a_demo() {
    let (demo, host) = (Demo::start(), Host::start(&[]));
    for site in [&demo as &Site, host.operations()] {
        let metrics = site.get("/metrics").send();
        assert_eq!(metrics.status(), 200, "{metrics}");
        assert!(metrics.header("content-type").is_some_and(|media| media.starts_with("text/plain")), "{metrics}");
        let samples = metrics.text().lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut count = 0;
        for sample in samples {
            let value = sample.rsplit(' ').next().unwrap_or_default();
            assert!(value.parse::<f64>().is_ok(), "{sample:?} is no sample");
            count += 1;
        }
        assert!(count > 0, "{metrics}");
    }
}
