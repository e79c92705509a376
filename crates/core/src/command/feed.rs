//! Commands of those who deliver notifications, and of customers who say which they want.

use crate::id::{CustomerId, FeedHolder};
use crate::notification::{ChannelName, Cursor, DeadLetter, Tenure, Waiting, Wish};
use crate::session::Session;

/// Becomes the one who delivers a channel's feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimFeed {
    /// The channel.
    pub channel: ChannelName,
    /// Who wants it.
    pub holder: FeedHolder,
    /// Whether there can be others.
    pub tenure: Tenure,
    /// For how many seconds.
    pub lease_s: u32,
    /// Where a feed begins that never was.
    pub begin: Cursor,
}

/// Notes how far a feed got, and holds it for longer. Nothing but bookkeeping: what it says was delivered, was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeepFeed {
    /// The channel.
    pub channel: ChannelName,
    /// Who has it.
    pub holder: FeedHolder,
    /// For how many more seconds; 0 lets go of it.
    pub lease_s: u32,
    /// How far it got.
    pub cursor: Cursor,
    /// Customers whose deliveries wait, each as it stands now; none: no longer.
    pub waiting: Vec<(CustomerId, Option<Waiting>)>,
    /// Deliveries that are given up.
    pub dead: Vec<DeadLetter>,
}

/// A customer says what they want to be told of, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetWishes {
    /// Who asks; online.
    pub session: Session,
    /// By channel, each once; none: whatever the channel usually tells.
    pub wishes: Vec<(ChannelName, Option<Wish>)>,
}
