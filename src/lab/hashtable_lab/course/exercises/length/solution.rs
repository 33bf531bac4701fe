//! `Deck(cards)` owns some cards; `len(deck)` is how many.

use course::*;

#[repr(C)]
struct Deck {
    head: PyObject,
    cards: Object,
}

unsafe extern "C" fn deck_init(this: Object, arguments: Object, _keywords: Object) -> c_int {
    // SAFETY: CPython passes a deck and a tuple.
    unsafe {
        let cards = PyTuple_GetItem(arguments, 0);
        if cards.is_null() {
            return -1;
        }
        let old = (*this.cast::<Deck>()).cards;
        (*this.cast::<Deck>()).cards = Py_NewRef(cards);
        Py_XDECREF(old);
        0
    }
}

/// The number of cards, or -1 with an exception set.
unsafe extern "C" fn deck_length(this: Object) -> Py_ssize_t {
    // SAFETY: CPython passes a deck, which keeps its cards alive.
    unsafe {
        let cards = (*this.cast::<Deck>()).cards;
        if cards.is_null() {
            return 0;
        }
        PyObject_Size(cards)
    }
}

unsafe extern "C" fn deck_dealloc(this: Object) {
    // SAFETY: the last reference is gone.
    unsafe {
        Py_XDECREF((*this.cast::<Deck>()).cards);
        free(this);
    }
}

static mut SEQUENCE: PySequenceMethods = PySequenceMethods {
    sq_length: Some(deck_length),
    // SAFETY: a slot may be empty.
    ..unsafe { core::mem::zeroed() }
};

static mut DECK: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(deck_init),
    tp_dealloc: Some(deck_dealloc),
    tp_as_sequence: &raw mut SEQUENCE,
    ..new_type::<Deck>(c"length.Deck", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_length, c"length", [], [&raw mut DECK]);
