//! Open questions about cash, for the staff who answer them.

use cashpoint_core::case::Case;
use cashpoint_core::command::ResolveCase;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::CaseId;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Session;

use super::reading::staff;
use super::{Stop, answered, answered_once, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::request::{Content, Scope, request_id};
use crate::store::CasesWanted;

/// The most cases on one page, whatever is asked for.
const LARGEST_PAGE: usize = 500;

/// Cases, the oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CasePage {
    /// The cases.
    pub cases: Vec<Case>,
    /// Where the next page begins; none if this is the last.
    pub next: Option<CaseId>,
}

impl Bank {
    /// Cases after one, or from the first.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn cases(
        &self,
        session: Session,
        wanted: CasesWanted,
        after: Option<CaseId>,
        limit: usize,
    ) -> Answered<CasePage> {
        answered(self.look_as(&session, staff, |reads, _| {
            let limit = limit.clamp(1, LARGEST_PAGE);
            let mut cases = reads.cases(wanted, after.map_or(0, CaseId::number), limit + 1)?;
            let more = cases.len() > limit;
            cases.truncate(limit);
            let next = cases.last().filter(|_| more).map(|case| case.id);
            Ok(CasePage { cases, next })
        }))
    }

    /// One case.
    ///
    /// # Errors
    /// The world failed.
    pub fn case(&self, session: Session, id: CaseId) -> Answered<Case> {
        answered(self.look_as(&session, staff, |reads, _| reads.case(id)?.ok_or_else(|| Refusal::NotFound.into())))
    }

    /// Staff say what turned out paid (of a deposit: paid in).
    ///
    /// # Errors
    /// The world failed.
    pub fn resolve_case(&self, session: Session, key: &str, id: CaseId, paid: Decimal) -> AnsweredOnce<Case> {
        answered_once(self.try_resolve(session, key, id, paid))
    }

    fn try_resolve(&self, session: Session, key: &str, id: CaseId, paid: Decimal) -> Result<(Case, Replay), Stop> {
        let (operator, case) =
            self.look_as(&session, staff, |reads, operator| Ok((operator, reads.case(id)?.ok_or(Refusal::NotFound)?)))?;
        let rest = id.to_string();
        let content = Content { amount: Some(paid), ..Content::of("resolve_case", &rest) };
        let (done, replay) = self.done(ResolveCase {
            session,
            request: request_id(Scope::Operator(operator), key, &content),
            case: id,
            account: case.account,
            withdrawal: case.matter.withdrawal(),
            paid,
            unclaimed: CaseId::new(self.new_number()),
        })?;
        if !matches!(done, Done::Settled(_) | Done::CaseResolved(_)) {
            return Err(unexpected(&done));
        }
        let case = self.look(|reads| reads.case(id)?.ok_or_else(|| Refusal::NotFound.into()))?;
        Ok((case, replay))
    }
}
