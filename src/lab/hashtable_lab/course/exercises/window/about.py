"""Write a view."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="Write a view",
    task="Write `window_new` and `window_item`: `Window(list)[i]` is the item at i of the list as it is now.",
    minutes=15,
    chapter="life",
    fails="test",
    hints=(
        "A view shows what is in the list now. What does it have to own for that: the items, or the list?",
        "The window may live longer than every name of the list. And what it returns is to be a new reference.",
        "Take a reference to the list in `window_new`; in `window_item` borrow the item, and take a reference to it.",
    ),
    explanation="A view owns the object that it looks at, and nothing of what it shows. So it sees every change, "
    "and keeps the list alive.",
    wrong=(
        Wrong(
            "the list is not taken",
            "deficit|crash|test|panic",
            "The window keeps an address. When the list goes, the window looks into nothing.",
            rust=(("list = Py_NewRef(list);", "list = list;"),),
            pattern=r"list = list;",
        ),
        Wrong(
            "a copy",
            "test",
            "A copy does not see what is put into the list later.",
            rust=(("list = Py_NewRef(list);", "list = PySequence_List(list);"),),
            pattern=r"PySequence_List|GetSlice|Copy",
        ),
        Wrong(
            "the item is lent",
            "deficit|test|crash",
            "The list owns its item. What is returned has to be one reference more.",
            rust=(("Py_XNewRef(PyList_GetItem", "core::convert::identity(PyList_GetItem"),),
            pattern=r"(?s)fn window_item(?!.*(NewRef|INCREF).*fn window_dealloc)",
        ),
        Wrong(
            "nobody looks whether it is there",
            "panic|crash",
            "There may be no such item: PyList_GetItem returns NULL then, and has set an IndexError.",
            rust=(("Py_XNewRef(PyList_GetItem", "Py_NewRef(PyList_GetItem"),),
            pattern=r"Py_NewRef\(PyList_GetItem",
        ),
    ),
    notes="dict.keys() is such a view. Ask what it owns, and how long a dict lives that only a view holds.",
)


def test_it_shows_the_list(module):
    """Window(list)[i] is list[i], also after a change"""
    things = [Thing(), Thing()]
    window = module.Window(things)
    assert window[0] is things[0] and window[1] is things[1], "it is something else"
    things[0] = new = Thing()
    assert window[0] is new, "the change is not seen"


def test_the_list_lives_on(module):
    """The window keeps the list alive, and the list its items"""
    window = module.Window([Thing()])
    for _ in range(10):
        assert type(window[0]) is Thing, "it is something else"


def test_there_is_no_such_item(module):
    """Window(list)[i] raises IndexError where the list does"""
    with raises(IndexError):
        module.Window([Thing()])[1]


def test_no_list(module):
    """Window(1) raises TypeError"""
    with raises(TypeError):
        module.Window(1)
