//! What a receiver got: every arrival in order, and a way to wait until enough is there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;

/// Longer than anything here takes; what takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// One message that arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Arrival {
    pub(crate) id: String,
    /// Whose: a customer id or an address.
    pub(crate) whose: String,
}

#[derive(Default)]
struct Kept {
    all: Vec<Arrival>,
    ids: HashSet<String>,
}

/// Where messages arrive.
#[derive(Default)]
pub(crate) struct Inbox {
    kept: Mutex<Kept>,
    news: Notify,
}

impl Inbox {
    pub(crate) fn take(&self, arrival: Arrival) {
        let mut kept = self.kept.lock().unwrap();
        kept.ids.insert(arrival.id.clone());
        kept.all.push(arrival);
        drop(kept);
        self.news.notify_waiters();
    }

    /// How many different messages arrived.
    pub(crate) fn different(&self) -> usize {
        self.kept.lock().unwrap().ids.len()
    }

    /// How many messages arrived, repeats included.
    pub(crate) fn arrivals(&self) -> usize {
        self.kept.lock().unwrap().all.len()
    }

    /// Waits until so many different messages arrived.
    pub(crate) async fn until(&self, count: usize) {
        let enough = async {
            loop {
                let news = self.news.notified();
                if self.different() >= count {
                    return;
                }
                news.await;
            }
        };
        if tokio::time::timeout(PATIENCE, enough).await.is_err() {
            panic!("only {} of {count} arrived", self.different());
        }
    }

    /// Without repeats, in the order of arrival, by whose they are.
    pub(crate) fn dropped_by_id(&self) -> BTreeMap<String, Vec<String>> {
        let mut seen = HashSet::new();
        let mut once: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Arrival { id, whose } in &self.kept.lock().unwrap().all {
            if seen.insert(id.clone()) {
                once.entry(whose.clone()).or_default().push(id.clone());
            }
        }
        once
    }
}
