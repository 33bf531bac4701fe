//! `total(numbers)` adds up what is in a tuple.

use course::*;

/// Borrows `numbers`, a tuple. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn total(_module: Object, numbers: Object) -> Object {
    // SAFETY: the tuple is alive and keeps its items alive. The sum so far is ours.
    unsafe {
        let mut sum = PyLong_FromLong(0);
        for at in 0..PyTuple_Size(numbers) {
            if sum.is_null() {
                return null_mut();
            }
            let more = PyNumber_Add(sum, PyTuple_GetItem(numbers, at));
            Py_DECREF(sum);
            sum = more;
        }
        sum
    }
}

module!(PyInit_total, c"total", [function(c"total", total, METH_O)]);
