//! What only a sandbox has: the teller surface, play people, the outbox.

mod outbox;
mod people;
mod teller;
