//! Memory that an extension has allocated: nodes, arrays, tables of its own.
//!
//! Not everything that an object owns is shown by its `tp_traverse`: a str cannot be part of a cycle, so many types do not show
//! theirs. Therefore blocks of memory are known, with their sizes, from the functions that allocate them. When a call ends with
//! something in hand, it is looked for in the blocks to which the objects of the call and the static variables lead, and in
//! those to which these lead. When a block is given back, what was known to lie in it is in hand again: it has been taken out,
//! moved, or lost.

use super::Address;
use super::by_address::{Addresses, ByAddress};
use super::hands::{Frame, OUTSIDE, in_frame, is_always_there, take};
use super::ledger::{Ledger, ledger};
use super::statics;
use super::stored::{Kept, keep_in_field};
use crate::peek;
use pyo3_ffi::PyObject;

/// At most this many words are searched.
const MOST_WORDS: usize = 1 << 20;

/// Where something lies, and in which block, struct or segment.
struct Place {
    field: Address,
    area: (Address, Address),
}

/// What lies so many bytes from a field may have been moved into it, as an array is moved into which something is inserted.
const AS_FAR: usize = 1 << 16;

/// A block has been allocated.
pub(crate) fn allocated(start: Address, size: usize) {
    if start != 0 {
        ledger().blocks.insert(start, size);
    }
}

/// A block is given back. What lay in it is in hand again.
pub(crate) fn given_back(start: Address) {
    let mut open = ledger();
    let Some(size) = open.blocks.remove(&start) else { return };
    let fields: Vec<Address> = open.fields.range(start..start + size).map(|(&field, _)| field).collect();
    let mut out = Vec::new();
    for field in fields {
        if let Some(kept) = open.fields.remove(&field) {
            let doubted = open.one_doubt_less(kept.object);
            open.forget_found(&kept, field);
            if !doubted {
                out.push(kept);
            }
        }
    }
    drop(open);
    if out.is_empty() || in_frame(|frame| frame.function == OUTSIDE) != Some(false) {
        return;
    }
    for kept in out {
        // It can be gone by now, if nobody saw how it was given back.
        if peek::head(kept.object).is_some() {
            take(kept.object as *mut PyObject, "taken", kept.site);
        }
    }
}

impl Ledger {
    /// A field holds something else now than what is known to lie there. That has been moved, perhaps, and with it others of the same
    /// area: an array in order, into which something is inserted, moves on all that comes after it. Where each of those lies that is
    /// not where it was is looked up. What lies nowhere stays where it was known to lie, unless something else lies there.
    fn follow_moved(&mut self, (start, end): (Address, Address), around: Address) {
        const WORD: usize = size_of::<usize>();
        let start = start.max(around.saturating_sub(AS_FAR / WORD * WORD));
        let end = end.min(around + AS_FAR);
        // The places of the area at which a word can be, counted from the field, which is one.
        let first = around - (around - start) / WORD * WORD;
        let words = peek::words(first, end);
        let word_at = |field: Address| words.get((field - first) / WORD).copied();
        let is_moved = |(&field, kept): (&Address, &Kept)| {
            let in_step = (field - first).is_multiple_of(WORD);
            (in_step && word_at(field).is_some_and(|word| word != kept.object)).then_some(field)
        };
        let moved: Vec<Address> = self.fields.range(first..end).filter_map(is_moved).collect();
        let mut waiting: Vec<(Address, Kept)> = Vec::new();
        for field in moved {
            if let Some(kept) = self.fields.remove(&field) {
                self.forget_found(&kept, field);
                waiting.push((field, kept));
            }
        }
        let objects: Addresses = waiting.iter().map(|(_, kept)| kept.object).collect();
        let mut now: ByAddress<Vec<Address>> = ByAddress::default();
        for (at, word) in words.iter().enumerate().rev().filter(|(_, word)| objects.contains(word)) {
            let field = first + at * WORD;
            if !self.fields.contains_key(&field) {
                now.entry(*word).or_default().push(field);
            }
        }
        let mut nowhere = Vec::new();
        for (before, kept) in waiting {
            match now.get_mut(&kept.object).and_then(Vec::pop) {
                Some(field) => {
                    self.found_in.entry(kept.object).or_default().insert(field);
                    self.fields.insert(field, kept);
                }
                None => nowhere.push((before, kept)),
            }
        }
        for (field, kept) in nowhere {
            if !self.fields.contains_key(&field) {
                self.found_in.entry(kept.object).or_default().insert(field);
                self.fields.insert(field, kept);
            }
        }
    }
}

impl Frame {
    /// What is in hand and lies in a static variable or in a block of memory, in which it is not known to lie, goes out of hand.
    pub(super) fn look_into_memory(&mut self) {
        let mut wanted = Addresses::default();
        for (address, hand) in self.hands.iter() {
            if hand.taken.iter().any(statics::is_worth_it) {
                wanted.insert(address);
            }
        }
        if wanted.is_empty() {
            return;
        }
        // Only packed structs have pointers in odd places, and few extensions have any.
        for step in [size_of::<usize>(), 1] {
            let places = self.places_of(&wanted, step);
            self.settle_at(places);
            wanted.retain(|address| self.hands.get(*address).is_some_and(|hand| !hand.taken.is_empty()));
            if wanted.is_empty() {
                return;
            }
        }
        let left_over = wanted.iter().filter_map(|&address| self.hands.get(address));
        left_over.flat_map(|hand| hand.taken.iter()).for_each(statics::looked_in_vain);
    }

    /// Where these objects lie: in the objects of the call, in static variables, and in the blocks to which these lead. In a block,
    /// every so many bytes are looked at.
    fn places_of(&self, wanted: &Addresses, step_in_blocks: usize) -> ByAddress<Vec<Place>> {
        const WORD: usize = size_of::<usize>();
        let structs = self.structs.iter().map(|fields| (fields.start, fields.end));
        // The objects that these objects own, of the extension's own, lead further.
        let owned = self.structs.iter().flat_map(|fields| super::shown::own_objects_of(fields.of));
        let mut to_see: Vec<_> = structs.chain(statics::areas()).chain(owned).map(|area| (area, None)).collect();
        let mut seen = Addresses::default();
        let mut places: ByAddress<Vec<Place>> = ByAddress::default();
        let mut left = MOST_WORDS;
        let open = ledger();
        while let Some(((start, end), step_in_block)) = to_see.pop() {
            let step = step_in_block.unwrap_or(WORD);
            let fields = (start.next_multiple_of(step)..(end + 1).saturating_sub(WORD)).step_by(step).take(left);
            left -= fields.len();
            for field in fields {
                // SAFETY: an object that lives, a block that was not given back, or a segment of a file that stays loaded.
                let word = unsafe { (field as *const usize).read_unaligned() };
                // `None` and its like are named in many a static variable that owns no reference to them.
                if wanted.contains(&word) && (step_in_block.is_some() || !is_always_there(word as *mut PyObject)) {
                    places.entry(word).or_default().push(Place { field, area: (start, end) });
                } else if word != 0
                    && word.is_multiple_of(WORD)
                    && let Some(size) = open.blocks.get(&word)
                    && seen.insert(word)
                {
                    to_see.push(((word, word + size), Some(step_in_blocks)));
                }
            }
        }
        places
    }

    fn settle_at(&mut self, places: ByAddress<Vec<Place>>) {
        for (object, fields) in places {
            // As many of them as are known to be shown are those that are shown.
            let known = ledger().shown_in.get(&object).map_or(0, |containers| containers.values().sum());
            let number = fields.len();
            let free: Vec<Place> = fields.into_iter().filter(|place| !ledger().holds(place.field, object)).collect();
            let held = number - free.len();
            for place in free.into_iter().skip(known) {
                self.found_at(place, object);
            }
            self.put_again(held, object);
        }
    }

    /// What was taken out of a field that was not written over is put there again, or where it was known to lie besides.
    fn put_again(&mut self, held: usize, object: Address) {
        let Some(hand) = self.hands.get_mut(object) else { return };
        for _ in 0..held.min(hand.taken.iter().count()) {
            if !ledger().one_doubt_less(object) {
                return;
            }
            if let Some(site) = hand.taken.pop() {
                statics::looked_well(site);
                self.open -= 1;
            }
        }
    }

    fn found_at(&mut self, Place { field, area }: Place, object: Address) {
        let Some(hand) = self.hands.get_mut(object) else { return };
        let Some(site) = hand.taken.pop() else { return };
        self.open -= 1;
        statics::looked_well(site);
        if ledger().fields.contains_key(&field) {
            ledger().follow_moved(area, field);
        }
        keep_in_field(field, object, site, self.function, None);
        ledger().found_in.entry(object).or_default().insert(field);
    }
}
