//! The lanes to the host: one request at a time on each, and whether the host is there.
//!
//! What an answer means is decided by who asked.

use std::collections::VecDeque;

use super::link::{LinkFailure, Reply, Request};
use super::screen::Connection;
use super::{Lane, Output};

/// How long the host may take over what a customer waits for, milliseconds.
const ONLINE_DEADLINE_MS: u32 = 15_000;

/// How long the host may take over an advice, milliseconds.
const ADVICE_DEADLINE_MS: u32 = 15_000;

/// How long the host may take over a heartbeat, milliseconds.
const HEARTBEAT_DEADLINE_MS: u32 = 3_000;

impl Lane {
    const fn place(self) -> usize {
        match self {
            Self::Online => 0,
            Self::Advice => 1,
            Self::Heartbeat => 2,
        }
    }

    const fn deadline_ms(self) -> u32 {
        match self {
            Self::Online => ONLINE_DEADLINE_MS,
            Self::Advice => ADVICE_DEADLINE_MS,
            Self::Heartbeat => HEARTBEAT_DEADLINE_MS,
        }
    }
}

/// Whether the host has been heard of since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// Neither an answer nor the lack of one.
    NotYet,
    /// An answer, or that there is none.
    Yes,
}

#[derive(Debug, Default)]
struct Way {
    asked: Option<Request>,
    waiting: VecDeque<Request>,
}

/// The lanes.
#[derive(Debug)]
pub(super) struct Uplink {
    lanes: [Way; 3],
    connection: Connection,
    heard: Heard,
}

impl Uplink {
    pub(super) fn new() -> Self {
        Self { lanes: Default::default(), connection: Connection::Offline, heard: Heard::NotYet }
    }

    pub(super) const fn connection(&self) -> Connection {
        self.connection
    }

    pub(super) fn is_online(&self) -> bool {
        self.connection == Connection::Online
    }

    pub(super) fn was_heard(&self) -> bool {
        self.heard == Heard::Yes
    }

    pub(super) fn is_free(&self, lane: Lane) -> bool {
        self.lanes[lane.place()].asked.is_none()
    }

    /// Asks the host, after what the lane has to ask already.
    pub(super) fn ask(&mut self, lane: Lane, request: Request, out: &mut Vec<Output>) {
        self.lanes[lane.place()].waiting.push_back(request);
        self.send_next(lane, out);
    }

    /// Takes an answer to what was asked on this lane. `None`: nothing was. An answer to something else is none at all,
    /// and then the host may have done what it was asked.
    pub(super) fn answer(
        &mut self,
        lane: Lane,
        reply: Result<Reply, LinkFailure>,
        out: &mut Vec<Output>,
    ) -> Option<(Request, Result<Reply, LinkFailure>)> {
        let asked = self.lanes[lane.place()].asked.take()?;
        self.heard = Heard::Yes;
        let reply = reply.and_then(|reply| if fits(&asked, &reply) { Ok(reply) } else { Err(LinkFailure::TimedOut) });
        match (&reply, lane) {
            (Err(_), _) => self.connection = Connection::Offline,
            (Ok(_), Lane::Heartbeat) => self.connection = Connection::Online,
            (Ok(_), Lane::Online | Lane::Advice) => {}
        }
        self.send_next(lane, out);
        Some((asked, reply))
    }

    /// What was to be sent on this lane was not.
    pub(super) fn undo(&mut self, lane: Lane) -> Option<Request> {
        self.lanes[lane.place()].asked.take()
    }

    fn send_next(&mut self, lane: Lane, out: &mut Vec<Output>) {
        let way = &mut self.lanes[lane.place()];
        if way.asked.is_none()
            && let Some(request) = way.waiting.pop_front()
        {
            way.asked = Some(request.clone());
            out.push(Output::Send { lane, request, deadline_ms: lane.deadline_ms() });
        }
    }
}

/// Whether a reply is one to this request.
const fn fits(request: &Request, reply: &Reply) -> bool {
    match reply {
        Reply::LoggedIn(_) => matches!(request, Request::LogIn { .. }),
        Reply::LoggedOut => matches!(request, Request::LogOut { .. }),
        Reply::Balance(_) => matches!(request, Request::Balance { .. }),
        Reply::Statement(_) => matches!(request, Request::Statement { .. }),
        Reply::Transferred(_) => matches!(request, Request::Transfer { .. }),
        Reply::PinChanged => matches!(request, Request::ChangePin { .. }),
        Reply::Approved(_) => matches!(request, Request::Approve { .. }),
        Reply::Acknowledged(_) => matches!(request, Request::Advice(_)),
        Reply::News(_) => matches!(request, Request::Heartbeat(_)),
        Reply::Refused(_) => true,
    }
}
