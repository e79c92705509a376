//! A server that only follows, for reports: what they show comes from there, and nothing else does.

use super::{SharedBank, SharedHost};
use crate::support::cluster::{Cluster, Files, url};
use crate::support::deadline::Deadline;
use crate::support::network::SETTLING;
use crate::support::process::{run, told};
use crate::support::{Staff, Visit};

/// A server that follows another, for a bank that has it read reports there.
struct Followed {
    standby: Cluster,
    host: SharedHost,
    bank: SharedBank,
    primary: Cluster,
}

impl Followed {
    fn start() -> Self {
        let primary = Cluster::start(Files::Fast);
        let standby = Cluster::standby_of(&primary, Files::Fast);
        let bank = SharedBank::on(&[&primary]);
        let host = SharedHost::run(bank.command().args(["--replica", &url(&[&standby], "postgres")]));
        let followed = Self { standby, host, bank, primary };
        followed.catches_up();
        followed
    }

    /// Waits until the standby has all that its primary has.
    fn catches_up(&self) {
        let written = self.primary.sql("postgres", "SELECT pg_current_wal_lsn()");
        let behind = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        let caught_up = || (self.standby.sql("postgres", &behind) == "t").then_some(());
        assert!(Deadline::after(SETTLING).wait(caught_up).is_some(), "the standby follows");
    }

    /// How many transfers staff are shown of the machine of a visit.
    fn reported(&self, staff: &Staff<'_>, visit: &Visit) -> usize {
        let page = staff.ask("GET", &format!("/api/transactions?atm_id={}", visit.machine.id)).send();
        assert_eq!(page.status(), 200, "{page}");
        page.json().member("transactions").list().len()
    }

    /// `cashpoint verify` of the standby.
    fn verify(&self) -> (i32, String) {
        let (keys, primary) = (self.bank.keys(), url(&[&self.primary], "postgres"));
        let (keys, standby) = (keys.to_str().unwrap(), url(&[&self.standby], "postgres"));
        let arguments = ["verify", "--database", &primary, "--replica", &standby, "--keys", keys];
        let (code, out, error) = told(&run(&arguments));
        (code, out + &error)
    }
}

#[test]
fn reads_reports_from_a_server_that_follows_and_nothing_else() {
    let mut followed = Followed::start();
    let staff = Staff::log_in(&followed.host, "operator", "operator");
    let visit = staff.visit("savings", "100.00");
    assert_eq!(visit.withdraw(&followed.host, "10").send().status(), 201);
    followed.catches_up();
    let before = followed.reported(&staff, &visit);
    let (code, said) = followed.verify();
    assert_eq!(code, 0, "{said}");

    // It stands still from here on: what happens now is not in a report, and everywhere else.
    followed.standby.sql("postgres", "SELECT pg_wal_replay_pause()");
    let still = || followed.standby.sql("postgres", "SELECT pg_get_wal_replay_pause_state()") == "paused";
    assert!(Deadline::after(SETTLING).wait(|| still().then_some(())).is_some());
    assert_eq!(visit.withdraw(&followed.host, "10").send().status(), 201);
    assert_eq!(followed.reported(&staff, &visit), before, "as the standby has it");
    assert_eq!(visit.balance(&followed.host), 80_00);
    let path = format!("/api/accounts/{}/transactions?limit=1", visit.account);
    let newest = followed.host.get(&path).bearer(&visit.token).send();
    assert_eq!(newest.json().member("transactions").list()[0].member("balance").cents(), 80_00, "{newest}");
    // What it cannot know yet, it is not believed about; nor is it asked who may ask.
    let late = staff.visit("savings", "100.00");
    assert_eq!(followed.reported(&staff, &late), before - 1, "as the machine was made");
    let out = staff.ask("DELETE", "/api/sessions/current").send();
    assert_eq!(out.status(), 204, "{out}");
    staff.ask("GET", &format!("/api/transactions?atm_id={}", visit.machine.id)).refused(401, "session_expired", "");

    let staff = Staff::log_in(&followed.host, "operator", "operator");
    followed.standby.sql("postgres", "SELECT pg_wal_replay_resume()");
    followed.catches_up();
    assert_eq!(followed.reported(&staff, &visit), before + 1);
    // Without it reports are read where everything else is.
    followed.standby.kill();
    assert_eq!(visit.withdraw(&followed.host, "10").send().status(), 201);
    for _ in 0..10 {
        assert_eq!(followed.reported(&staff, &visit), before + 2);
    }
    followed.host.process.logged("the replica is away");
    let (code, said) = followed.verify();
    assert_eq!(code, 3, "whoever asks for the replica does not get the primary: {said}");
    followed.bank.verify_is_clean();
}
