"""A ring keeps itself."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="A ring keeps itself",
    task="Replace the dots by what you expect.",
    minutes=7,
    chapter="counts",
    fails="unanswered",
    hints=(
        "When does an object go: when its last name goes, or when its last reference goes?",
        "Two things that hold each other have one reference each, also when no name is left.",
        "Only the garbage collector finds such a ring. A weak reference tells whether it is still there.",
    ),
    explanation="Counting alone never frees a ring: each keeps the other. The garbage collector finds "
    "rings, and only those.",
    wrong=(
        Wrong(
            "the last name decides",
            "prediction",
            "No name is left, but each of the two still owns the other: both counts are 1.",
            python=(("del a, b\npredict(gone() is None, False)", "del a, b\npredict(gone() is None, True)"),),
            error=r"^Prediction 1: you said True,",
        ),
        Wrong(
            "the collector came too late",
            "prediction",
            "gc.collect() finds the ring: all that holds it is the ring itself.",
            python=(("gc.collect()\npredict(gone() is None, True)", "gc.collect()\npredict(gone() is None, False)"),),
            error=r"^Prediction 2: you said False,",
        ),
        Wrong(
            "a list in itself goes by itself",
            "prediction",
            "The list owns itself: its count is 1 when its name is gone.",
            python=(("del items\npredict(min(gc.collect(), 1), 1)", "del items\npredict(min(gc.collect(), 1), 0)"),),
            error=r"^Prediction 3: you said 0,",
        ),
        Wrong(
            "one weak link changes nothing",
            "prediction",
            "A weak reference does not count: the chain is no ring, and goes at once.",
            python=(("del a, b\npredict(gone() is None, True)", "del a, b\npredict(gone() is None, False)"),),
            error=r"^Prediction 4: you said False,",
        ),
    ),
    notes="Draw the ring, erase the names, and count the arrows that are left.",
)
