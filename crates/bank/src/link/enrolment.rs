//! Taking a terminal in against its one-time code, codes in the place of lost ones, and the secrets that it and the host have from then on.

use std::sync::Arc;

use cashpoint_core::command::{EnrolTerminal, IssueEnrolment, KeepTerminalKeys, RenewTerminal};
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Session;
use cashpoint_wire::link::enrolment::{self, EnrolmentSecret};

use crate::bank::{Answered, Bank};
use crate::desk::{MachineSecret, Stop, answered};
use crate::keys::{DeviceKeys, IssuedCode, TerminalSecrets};

impl Bank {
    /// Takes a terminal's enrolment request, as `cashpoint_wire::link::enrolment` writes it, and gives the answer's
    /// bytes. Who is no terminal, a wrong code and one that was used are all [`Refusal::Forbidden`].
    ///
    /// # Errors
    /// The world failed; with the same request it may be tried again.
    pub fn enrol_terminal(&self, request: &[u8]) -> Answered<Vec<u8>> {
        answered(self.try_enrol(request))
    }

    fn try_enrol(&self, request: &[u8]) -> Result<Vec<u8>, Stop> {
        let terminal = enrolment::claimed_terminal(request).map_err(|_| Refusal::Forbidden)?;
        let machines = self.look(|reads| Ok(reads.machines(Some(terminal))?))?;
        let identity = machines.first().map(|view| view.identity);
        let identity = identity.filter(|known| known.kind == MachineKind::Terminal).ok_or(Refusal::Forbidden)?;
        // Of several codes the last one serves.
        let known = self.stored_secrets(terminal)?;
        let issued = known.as_ref().and_then(TerminalSecrets::issued_code);
        let secret = issued.map_or_else(|| EnrolmentSecret::new(identity.secret), |issued| issued.secret.clone());
        let enrolling = enrolment::open_request(&secret, request).map_err(|_| Refusal::Forbidden)?;
        // Before the code is used up: a terminal that is enrolled has secrets, whenever the host breaks off.
        let secrets = self.made_secrets(terminal)?;
        let key = enrolling.key.to_bytes();
        let taken = match issued {
            None => self.changed(EnrolTerminal { terminal, code: identity.secret, key }),
            Some(issued) => self.changed(RenewTerminal { terminal, replaces: issued.replaces, key }),
        };
        match taken {
            Err(Stop::Refused(Refusal::WrongCredentials)) => Err(Refusal::Forbidden.into()),
            Err(other) => Err(other),
            Ok(()) => {
                tracing::info!(%terminal, "a terminal is enrolled");
                Ok(enrolment::answer(&secret, &enrolling, &secrets.host_key(), &secrets.card_key()))
            }
        }
    }

    /// Staff have a new code made for a terminal, which alone serves from then on, once. When it is used, the key of the
    /// terminal before is believed no more; until then everything stays. For administrators.
    /// [`Refusal::AtmNotFound`] if that machine has no terminal.
    ///
    /// # Errors
    /// The world failed.
    pub fn issue_enrolment(&self, session: Session, terminal: MachineId) -> Answered<MachineSecret> {
        answered(self.try_issue(session, terminal))
    }

    fn try_issue(&self, session: Session, terminal: MachineId) -> Result<MachineSecret, Stop> {
        let keeping = self.inner.links.keeping.lock().expect("no holder of this lock can panic");
        let made = match self.stored_secrets(terminal)? {
            Some(known) => known,
            None => TerminalSecrets::make(self.inner.entropy.as_ref()),
        };
        let replaces = self.enrolled(terminal)?.map(|known| known.key);
        let code = MachineSecret::make(MachineKind::Terminal, self.inner.entropy.as_ref());
        let made = made.with_code(IssuedCode { secret: EnrolmentSecret::new(code.kept()), replaces });
        let keys = made.seal(terminal, self.inner.keys.as_ref(), self.inner.entropy.as_ref())?;
        self.changed(IssueEnrolment { session, terminal, keys })?;
        self.with_live(terminal, |live| live.secrets = Some(Arc::new(made)));
        drop(keeping);
        tracing::info!(%terminal, "a new enrolment code was made");
        Ok(code)
    }

    /// The keys of a terminal's devices are loaded, in the place of earlier ones; what the host made for it stays. For who
    /// runs the host. [`Refusal::AtmNotFound`] if that machine has no terminal.
    ///
    /// # Errors
    /// The world failed.
    pub fn load_terminal_keys(&self, terminal: MachineId, devices: DeviceKeys) -> Answered<()> {
        answered(self.try_load(terminal, devices))
    }

    fn try_load(&self, terminal: MachineId, devices: DeviceKeys) -> Result<(), Stop> {
        let keeping = self.inner.links.keeping.lock().expect("no holder of this lock can panic");
        let made = match self.stored_secrets(terminal)? {
            Some(known) => known,
            None => TerminalSecrets::make(self.inner.entropy.as_ref()),
        };
        self.keep_secrets(terminal, made.with_devices(devices))?;
        drop(keeping);
        Ok(())
    }

    /// A terminal's secrets, made if there are none.
    fn made_secrets(&self, terminal: MachineId) -> Result<Arc<TerminalSecrets>, Stop> {
        let keeping = self.inner.links.keeping.lock().expect("no holder of this lock can panic");
        let secrets = match self.stored_secrets(terminal)? {
            Some(known) => Arc::new(known),
            None => self.keep_secrets(terminal, TerminalSecrets::make(self.inner.entropy.as_ref()))?,
        };
        drop(keeping);
        Ok(secrets)
    }

    fn keep_secrets(&self, terminal: MachineId, secrets: TerminalSecrets) -> Result<Arc<TerminalSecrets>, Stop> {
        let keys = secrets.seal(terminal, self.inner.keys.as_ref(), self.inner.entropy.as_ref())?;
        self.changed(KeepTerminalKeys { terminal, keys })?;
        let secrets = Arc::new(secrets);
        self.with_live(terminal, |live| live.secrets = Some(Arc::clone(&secrets)));
        Ok(secrets)
    }

    /// A terminal's secrets as they are kept.
    pub(super) fn stored_secrets(&self, terminal: MachineId) -> Result<Option<TerminalSecrets>, Stop> {
        let Some(sealed) = self.look(|reads| Ok(reads.terminal_keys(terminal)?))? else { return Ok(None) };
        Ok(Some(TerminalSecrets::open(terminal, self.inner.keys.as_ref(), &sealed)?))
    }
}
