//! A terminal's signed messages: whether one is believed, and the signed answer to it.

use cashpoint_boundary::reached;
use cashpoint_core::command::DoubtJournal;
use cashpoint_core::enrolled::{EnrolledTerminal, JournalHead, JournalTrust};
use cashpoint_core::id::MachineId;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::terminal::link::Request;
use cashpoint_wire::journal::Head;
use cashpoint_wire::link::envelope::{self, AnswerHead, Received, RequestHead};
use cashpoint_wire::link::{Answer, Declined, PublicKey};
use zeroize::Zeroizing;

use super::Heard;
use super::course::{Course, Position, Verdict};
use crate::bank::{Answered, Bank};
use crate::desk::{Stop, answered, defect};
use crate::execute::Failure;

/// Numbers up to here can be kept.
const HIGHEST: u64 = i64::MAX.unsigned_abs();

/// When a terminal that did not say from where its journal goes on may ask again: it knows with the answer.
const AT_ONCE_MS: u32 = 0;

/// Messages in a row that do not say from where their journal goes on, of which people are told; the lanes send at once, so
/// the first few may not have been told yet.
const MANY: u32 = 13;

impl Bank {
    /// Takes a message, as `cashpoint_wire::link::envelope` signs it, and gives the signed answer's bytes. What is not a
    /// message of an enrolled terminal is [`Refusal::Forbidden`], whatever is wrong with it.
    ///
    /// # Errors
    /// The world failed before it was known whose message it is.
    pub fn terminal_message(&self, message: &[u8]) -> Answered<Zeroizing<Vec<u8>>> {
        answered(self.hear(message))
    }

    /// Takes what a terminal says where whoever calls knows that it is that terminal's word, and gives the answer and how far
    /// its journal is known then: what [`Self::terminal_message`] does between the signatures. It is for simulated worlds,
    /// where nobody can forge a message; what comes over a network is never believed unsigned.
    ///
    /// # Errors
    /// As for [`Self::terminal_message`].
    pub fn terminal_word(&self, head: &RequestHead, request: Request) -> Answered<(Answer, Option<Head>)> {
        answered(self.enrolled(head.terminal).and_then(|enrolled| {
            let enrolled = enrolled.ok_or(Refusal::Forbidden)?;
            self.taken(&enrolled, head, request)
        }))
    }

    fn hear(&self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let terminal = envelope::claimed_terminal(message).map_err(|_| Refusal::Forbidden)?;
        let enrolled = self.enrolled(terminal)?.ok_or(Refusal::Forbidden)?;
        let key = PublicKey::from_bytes(&enrolled.key).map_err(|_| defect("a terminal's key is none"))?;
        let Received { head, request, receipt } =
            envelope::open_request(&key, message).map_err(|_| Refusal::Forbidden)?;
        let (answer, known) = self.taken(&enrolled, &head, request)?;
        let signing = self.terminal_secrets(terminal)?.signing_key();
        Ok(envelope::sign_answer(&signing, &receipt, &AnswerHead { at: self.now(), known }, &answer))
    }

    /// The answer to a message that is the terminal's own, and how far its journal is known with it.
    fn taken(
        &self,
        enrolled: &EnrolledTerminal,
        head: &RequestHead,
        request: Request,
    ) -> Result<(Answer, Option<Head>), Stop> {
        if head.number > HIGHEST || head.head.n > HIGHEST {
            return Err(Refusal::Forbidden.into());
        }
        // Without secrets there is nothing to answer it with.
        self.terminal_secrets(enrolled.machine)?;
        let name = request.name();
        let answer = self.heeded(enrolled, head, request);
        reached("answer", name, "before");
        let known = self.with_live(enrolled.machine, |live| live.course.as_ref().and_then(Course::known));
        Ok((answer, known.map(|JournalHead { n, mac }| Head { n, mac })))
    }

    fn heeded(&self, enrolled: &EnrolledTerminal, head: &RequestHead, request: Request) -> Answer {
        let terminal = enrolled.machine;
        match self.verdict(enrolled, head) {
            Verdict::Taken => {
                let heard = Heard { lane: head.lane, number: head.number, head: journal_head(head.head) };
                match self.terminal_served(enrolled, heard, request) {
                    Ok(reply) => Answer::Reply(reply),
                    Err(failure) => Answer::Declined(Declined::Busy { retry_after_ms: pause_ms(failure) }),
                }
            }
            Verdict::Unproven { times } => {
                if times == MANY {
                    tracing::warn!(%terminal, times, "a terminal does not hear what is answered, and nothing is taken from it");
                }
                Answer::Declined(Declined::Busy { retry_after_ms: AT_ONCE_MS })
            }
            Verdict::NumberUsed { last } => {
                tracing::warn!(%terminal, number = head.number, last, "a message's number was used before");
                Answer::Declined(Declined::NumberUsed { last })
            }
            Verdict::Other(why) => {
                self.doubt(terminal, why);
                Answer::Declined(Declined::OtherJournal)
            }
            Verdict::Doubted => Answer::Declined(Declined::OtherJournal),
        }
    }

    /// Whether the message goes on from what is known. A journal that is doubted stays so until staff have looked.
    fn verdict(&self, enrolled: &EnrolledTerminal, head: &RequestHead) -> Verdict {
        let RequestHead { lane, number, head, known, .. } = *head;
        let message = Position { lane, number, head: journal_head(head), known: known.map(journal_head) };
        self.with_live(enrolled.machine, |live| {
            let course = live.course.get_or_insert_with(|| Course::resumed(enrolled));
            match enrolled.journal {
                JournalTrust::Doubted(_) => Verdict::Doubted,
                JournalTrust::Open | JournalTrust::Kept(_) => {
                    course.believe(enrolled.journal);
                    course.judge(&message)
                }
            }
        })
    }

    /// Nothing is taken from this terminal from now on.
    fn doubt(&self, terminal: MachineId, why: String) {
        tracing::error!(%terminal, why, "a terminal's journal is not the one that is known; staff must look");
        if let Err(stop) = self.changed(DoubtJournal { terminal, why }) {
            // This message is not taken all the same, and the next one shows the same.
            tracing::error!(%terminal, ?stop, "the doubt could not be kept");
        }
    }

    /// Staff have taken a terminal's journal as it is.
    pub(crate) fn forget_journal(&self, terminal: MachineId) {
        self.with_live(terminal, |live| {
            if let Some(course) = &mut live.course {
                course.forget_journal();
            }
        });
    }
}

const fn journal_head(Head { n, mac }: Head) -> JournalHead {
    JournalHead { n, mac }
}

/// When to try again, milliseconds.
const fn pause_ms(failure: Failure) -> u32 {
    match failure {
        Failure::Overloaded => 1_000,
        Failure::DatabaseUnavailable | Failure::Internal => 5_000,
        Failure::ClockDisagrees => 30_000,
    }
}
