//! Commands whose decisions are still to be written; each line goes as its file comes. Must be gone before landing.
use super::{Decide, Draft, Stop};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::time::BusinessDate;
macro_rules! pending { ($($name:ident)*) => { $(
impl Decide for crate::command::$name {
    fn lookups(&self, _: &mut Lookups) { todo!() }
    fn keys(&self, _: &Facts, _: BusinessDate, _: &mut Keys) { todo!() }
    fn decide(&self, _: &mut Draft<'_>) -> Result<Done, Stop> { todo!() }
})* } }
pending!(CreateCustomer);
pending!(IssueCard);
pending!(ChangePin);
pending!(ResetPin);
pending!(ReportCard);
pending!(UnblockCard);
pending!(RemoveCard);
pending!(CreateMachine);
pending!(UpdateMachine);
pending!(Replenish);
pending!(SetPolicy);
pending!(AddOperator);
pending!(Approve);
pending!(Complete);
pending!(Reverse);
pending!(Suspect);
pending!(ResolveCase);
