//! Everything that can be told, put together when somebody asks.

use cashpoint_bank::execute::Failure;
use cashpoint_bank::measures::Begun;
use cashpoint_bank::store::MachineView;
use cashpoint_core::event::EventKind;
use cashpoint_core::machine::MachineStatus;
use cashpoint_core::money::Amount;
use cashpoint_wire::problem::Code;

use super::text::{Kind, Text, Unit};
use super::{Metrics, process};
use crate::app::App;
use crate::notify::Standing;
use crate::server::Counters;

/// The whole text; without machines if the database did not tell them.
pub(super) fn told(app: &App, machines: Option<&[MachineView]>) -> String {
    let mut text = Text::new();
    let metrics = &app.options().metrics;
    host(&mut text, app, u8::from(machines.is_some()));
    if let Some(requests) = metrics.requests.get() {
        requests.tell(&mut text);
    }
    refusals(&mut text, metrics);
    connections(&mut text, metrics);
    bank(&mut text, app);
    people(&mut text, app);
    cash(&mut text, machines.unwrap_or_default());
    traffic(&mut text, app);
    outbox(&mut text, app);
    process::tell(&mut text);
    text.into_string()
}

fn host(text: &mut Text, app: &App, database_up: u8) {
    let bank = app.bank();
    let mode = if bank.is_sandbox() { "sandbox" } else { "real" };
    text.family("cashpoint_build_info", Kind::Gauge, "Always 1; the labels say what runs.")
        .sample(&[("version", env!("CARGO_PKG_VERSION")), ("mode", mode)], 1);
    text.single("cashpoint_database_up", Kind::Gauge, "1 if the database could be read just now.", database_up);
    let parted = bank.clock_parted_us();
    let help = "1 if wall clock and boot-time clock agree; if not, money waits (not in a sandbox).";
    text.single("cashpoint_clock_agrees", Kind::Gauge, help, u8::from(parted.is_none()));
    let help = "By how much the wall clock is ahead of where it should be, where they disagree.";
    let seconds = std::time::Duration::from_micros(parted.unwrap_or(0).unsigned_abs()).as_secs_f64();
    let seconds = if parted.is_some_and(|ahead| ahead < 0) { -seconds } else { seconds };
    text.single("cashpoint_clock_ahead_seconds", Kind::Gauge, help, seconds);
}

fn refusals(text: &mut Text, metrics: &Metrics) {
    let mut family = text.family("cashpoint_refusals_total", Kind::Counter, "Refusals and failures told, by code.");
    for (code, counter) in Code::ALL.iter().zip(&metrics.refusals.0) {
        family.sample(&[("code", code.name())], counter.total());
    }
}

fn connections(text: &mut Text, metrics: &Metrics) {
    let server = metrics.server.get().map(AsRef::as_ref);
    let gauge = |read: fn(&Counters) -> usize| server.map_or(0, read);
    let count = |read: fn(&Counters) -> u64| server.map_or(0, read);
    for (name, help, value) in [
        ("cashpoint_connections_open", "Connections open now.", gauge(Counters::open)),
        ("cashpoint_http_requests_in_flight", "Requests being answered now.", gauge(Counters::in_flight)),
    ] {
        text.single(name, Kind::Gauge, help, value);
    }
    for (name, help, value) in [
        ("cashpoint_connections_accepted_total", "Connections taken.", count(Counters::accepted)),
        ("cashpoint_connections_refused_total", "Connections refused: there were too many.", count(Counters::refused)),
        ("cashpoint_connections_late_total", "Connections and bodies over their time.", count(Counters::late)),
        (
            "cashpoint_http_requests_shed_total",
            "Requests refused: too many were being answered.",
            count(Counters::shed),
        ),
        (
            "cashpoint_accept_errors_total",
            "Times that the system could not hand over a connection.",
            count(Counters::accept_errors),
        ),
    ] {
        text.single(name, Kind::Counter, help, value);
    }
}

fn bank(text: &mut Text, app: &App) {
    let measures = app.bank().measures();
    let mut family = text.family("cashpoint_commands_total", Kind::Counter, "Commands decided, by what came of them.");
    for (outcome, counter) in
        [("done", &measures.done), ("refused", &measures.refused), ("repeated", &measures.repeated)]
    {
        family.sample(&[("outcome", outcome)], counter.total());
    }
    let help = "Commands that had no effect because the world failed.";
    let mut family = text.family("cashpoint_command_failures_total", Kind::Counter, help);
    for (reason, failure) in [
        ("overloaded", Failure::Overloaded),
        ("database_unavailable", Failure::DatabaseUnavailable),
        ("clock_disagrees", Failure::ClockDisagrees),
        ("internal", Failure::Internal),
    ] {
        family.sample(&[("reason", reason)], measures.failed(failure));
    }
    text.single("cashpoint_queue_depth", Kind::Gauge, "Commands that wait now.", measures.waiting());
    text.single("cashpoint_queue_capacity", Kind::Gauge, "Commands that may wait.", app.bank().queue_capacity());
    text.family("cashpoint_group_size", Kind::Histogram, "Commands decided and committed together.").distribution(
        &[],
        Unit::One,
        &measures.groups.distribution(),
    );
    for (name, help, histogram) in [
        ("cashpoint_group_duration_seconds", "From a group's first look-up to its commit's end.", &measures.group_us),
        ("cashpoint_commit_duration_seconds", "Writing and syncing a group.", &measures.commit_us),
        ("cashpoint_queue_wait_seconds", "How long the first command of each group had waited.", &measures.wait_us),
    ] {
        text.family(name, Kind::Histogram, help).distribution(&[], Unit::Micros, &histogram.distribution());
    }
}

fn people(text: &mut Text, app: &App) {
    let (bank, measures) = (app.bank(), app.bank().measures());
    let mut family = text.family("cashpoint_sessions_begun_total", Kind::Counter, "Sessions begun, by kind.");
    for (kind, how) in [("card", Begun::Card), ("online", Begun::Online), ("operator", Begun::Staff)] {
        family.sample(&[("kind", kind)], measures.begun(how));
    }
    let help = "About how many sessions asked for something in the last five to ten minutes.";
    text.single("cashpoint_sessions_active", Kind::Gauge, help, measures.active_sessions(bank.now()));
    let mut family = text.family("cashpoint_events_total", Kind::Counter, "What happened to customers, by type.");
    for kind in EventKind::ALL {
        family.sample(&[("type", kind.name())], measures.events(*kind));
    }
    let help = "Argon2 evaluations: log-ins online and of staff, sign-ups, changed passwords.";
    text.single("cashpoint_password_evaluations_total", Kind::Counter, help, bank.password_evaluations());
}

/// An amount of minor units of a machine's currency.
type Holding = fn(&MachineView) -> i64;

fn cash(text: &mut Text, machines: &[MachineView]) {
    let holdings: [(&'static str, &'static str, Holding); 2] = [
        ("cashpoint_machine_cash", "Everything in a machine, in its currency.", |view| view.holdings.cash()),
        (
            "cashpoint_machine_in_flight",
            "Promised by a machine's approvals whose end is not known, in its currency.",
            |view| view.in_flight,
        ),
    ];
    for (name, help, held) in holdings {
        let mut family = text.family(name, Kind::Gauge, help);
        for view in machines {
            // A counter has no cash of its own.
            if let Some(currency) = view.identity.currency {
                let labels = [("machine", view.identity.id.as_str()), ("currency", currency.code())];
                family.sample(&labels, Amount::new(held(view), currency));
            }
        }
    }
    let mut family =
        text.family("cashpoint_machine_dispensable", Kind::Gauge, "What is in a machine's cassettes, in its currency.");
    for view in machines {
        if let Some(currency) = view.identity.currency {
            let notes = view.holdings.cassettes.iter();
            let minor = notes.map(|own| own.denomination.saturating_mul(i64::from(own.count))).sum();
            let labels = [("machine", view.identity.id.as_str()), ("currency", currency.code())];
            family.sample(&labels, Amount::new(minor, currency));
        }
    }
    let help = "1 if a machine or counter is switched on.";
    let mut family = text.family("cashpoint_machine_active", Kind::Gauge, help);
    for view in machines {
        let active = match view.machine.status {
            MachineStatus::Active => 1,
            MachineStatus::Inactive => 0,
        };
        family.sample(&[("machine", view.identity.id.as_str()), ("kind", view.identity.kind.name())], active);
    }
}

fn traffic(text: &mut Text, app: &App) {
    let machines = app.bank().measures().machines();
    let flows = || {
        machines.iter().flat_map(|(id, traffic)| {
            let withdrawn = traffic.withdrawn.values().map(|flow| ("withdrawal", *flow));
            let deposited = traffic.deposited.values().map(|flow| ("deposit", *flow));
            withdrawn.chain(deposited).map(move |(kind, flow)| (id, kind, flow))
        })
    };
    let help = "Withdrawals and deposits at each machine and counter.";
    let mut family = text.family("cashpoint_machine_transactions_total", Kind::Counter, help);
    for (id, kind, flow) in flows() {
        family.sample(&[("machine", id.as_str()), ("type", kind), ("currency", flow.currency.code())], flow.count);
    }
    let help = "Their amounts, in the currency named.";
    let mut family = text.family("cashpoint_machine_volume_total", Kind::Counter, help);
    for (id, kind, flow) in flows() {
        let amount = Amount::new(i64::try_from(flow.minor).unwrap_or(i64::MAX), flow.currency);
        family.sample(&[("machine", id.as_str()), ("type", kind), ("currency", flow.currency.code())], amount);
    }
    let help = "Withdrawals and deposits refused at each machine and counter, by code.";
    let mut family = text.family("cashpoint_machine_refusals_total", Kind::Counter, help);
    for (id, traffic) in &machines {
        for (code, count) in &traffic.refused {
            family.sample(&[("machine", id.as_str()), ("code", code)], count);
        }
    }
}

/// A number of a feed.
type Number = fn(&Standing) -> u64;

fn outbox(text: &mut Text, app: &App) {
    let now = app.bank().now();
    let feeds = app.options().metrics.feeds.get();
    let feeds: Vec<Standing> = feeds.into_iter().flatten().map(|figures| figures.standing(now)).collect();
    let help = "How long ago the oldest event happened that nobody was told of and that does not wait for a retry.";
    let mut family = text.family("cashpoint_outbox_lag_seconds", Kind::Gauge, help);
    for feed in &feeds {
        let seconds = std::time::Duration::from_millis(feed.lag_ms.unsigned_abs()).as_secs_f64();
        family.sample(&[("channel", feed.channel.as_str())], seconds);
    }
    let numbers: [(&'static str, Kind, &'static str, Number); 5] = [
        ("cashpoint_outbox_delivered_total", Kind::Counter, "Notifications that arrived.", |feed| feed.delivered),
        ("cashpoint_outbox_failed_total", Kind::Counter, "Deliveries that failed, each try.", |feed| feed.failed),
        ("cashpoint_outbox_dead_total", Kind::Counter, "Notifications that were given up.", |feed| feed.dead),
        ("cashpoint_outbox_in_flight", Kind::Gauge, "Notifications on their way.", |feed| feed.in_flight),
        (
            "cashpoint_outbox_waiting_customers",
            Kind::Gauge,
            "Customers whose next notification waits for a retry.",
            |feed| feed.waiting,
        ),
    ];
    for (name, kind, help, number) in numbers {
        let mut family = text.family(name, kind, help);
        for feed in &feeds {
            family.sample(&[("channel", feed.channel.as_str())], number(feed));
        }
    }
}
