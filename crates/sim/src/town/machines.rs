//! The machines of a town, and which of them comes next: whoever was not touched since need not be asked again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::{Index, IndexMut};

use cashpoint_core::time::Timestamp;

/// Something that knows when it is due next; none: not by itself.
pub(super) trait Due {
    fn due(&self) -> Option<Timestamp>;
}

/// Machines by number. Whoever can change one is taken to have changed when it is due.
pub(super) struct Machines<M> {
    all: Vec<M>,
    agenda: RefCell<Agenda>,
}

/// When each is due, as far as that is known.
#[derive(Default)]
struct Agenda {
    order: BTreeSet<(Timestamp, usize)>,
    known: Vec<Option<Timestamp>>,
    /// Who has to be asked again.
    touched: Vec<usize>,
    is_touched: Vec<Cell<bool>>,
}

impl<M: Due> Machines<M> {
    pub(super) fn new(all: Vec<M>) -> Self {
        let count = all.len();
        let is_touched = vec![Cell::new(true); count];
        let agenda =
            Agenda { known: vec![None; count], touched: (0..count).collect(), is_touched, ..Agenda::default() };
        Self { all, agenda: RefCell::new(agenda) }
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, M> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, M> {
        (0..self.all.len()).for_each(|at| self.agenda.get_mut().touch(at));
        self.all.iter_mut()
    }

    /// The one that is due first, and when; the first by number of those that are due together.
    pub(super) fn next(&self) -> Option<(Timestamp, usize)> {
        let mut agenda = self.agenda.borrow_mut();
        while let Some(at) = agenda.touched.pop() {
            agenda.is_touched[at].set(false);
            let due = self.all[at].due();
            if let Some(before) = std::mem::replace(&mut agenda.known[at], due) {
                agenda.order.remove(&(before, at));
            }
            agenda.order.extend(due.map(|due| (due, at)));
        }
        agenda.order.first().copied()
    }
}

impl Agenda {
    fn touch(&mut self, at: usize) {
        if !self.is_touched[at].replace(true) {
            self.touched.push(at);
        }
    }
}

impl<M> Index<usize> for Machines<M> {
    type Output = M;

    fn index(&self, at: usize) -> &M {
        &self.all[at]
    }
}

impl<M> IndexMut<usize> for Machines<M> {
    fn index_mut(&mut self, at: usize) -> &mut M {
        self.agenda.get_mut().touch(at);
        &mut self.all[at]
    }
}

impl<'a, M: Due> IntoIterator for &'a mut Machines<M> {
    type Item = &'a mut M;
    type IntoIter = std::slice::IterMut<'a, M>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    impl Due for Option<i64> {
        fn due(&self) -> Option<Timestamp> {
            self.map(|s| Timestamp::EPOCH.plus_s(s))
        }
    }

    #[test]
    fn it_finds_the_first_as_a_search_of_all_would() {
        let mut chance = Chance::new(7);
        let mut machines = Machines::new(vec![None; 5]);
        for _ in 0..1_000 {
            let at = usize::try_from(chance.below(5)).unwrap();
            let due = chance.below(12);
            machines[at] = (due > 1).then(|| i64::try_from(due).unwrap());
            if chance.below(20) == 0 {
                machines.iter_mut().for_each(|due| *due = due.map(|due| due + 1));
            }
            let searched = machines.iter().enumerate().filter_map(|(at, due)| Some((due.due()?, at))).min();
            assert_eq!(machines.next(), searched);
        }
    }
}
