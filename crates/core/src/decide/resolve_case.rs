//! Staff say what became of a suspect withdrawal: paid, not paid, or paid in part.

use crate::change::Row;
use crate::command::ResolveCase;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::time::BusinessDate;
use crate::withdrawal::Case;

use super::settle::{self, Word};
use super::{Decide, Draft, Stop, permit};

impl Decide for ResolveCase {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.withdrawals.insert(self.withdrawal);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.cases.insert(self.withdrawal);
        if let Some(withdrawal) = facts.withdrawal_identities.find(&self.withdrawal) {
            settle::keys(withdrawal, keys);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        let found = draft.facts.withdrawal_identities.find(&self.withdrawal);
        let withdrawal = *found.ok_or(Refusal::TransactionNotFound)?;
        let paid = self.paid.to_amount(withdrawal.amount.currency());
        let paid = paid.map_err(|_| Refusal::InvalidAmount)?;
        if paid.minor() > withdrawal.amount.minor() {
            return Err(Refusal::InvalidAmount.into());
        }
        draft.replay(self.request)?;
        let unsettled = settle::suspect(draft, withdrawal)?;
        let case = draft.facts.cases.at(&self.withdrawal).clone();
        // Nobody knows which notes they were: the mirror keeps counting them until staff count the machine.
        let settlement = unsettled.settle(draft, paid.minor(), &[], Word::Operator);
        let id = case.id;
        draft.set(Row::Case(Case { resolved: Some(paid.minor()), ..case }));
        let detail = format!("{paid} of {} {} paid", withdrawal.amount, paid.currency());
        draft.audit(Actor::Operator(operator), AuditKind::CaseResolved, id, detail);
        draft.touch(&self.session);
        Ok(Done::Settled(settlement))
    }
}
