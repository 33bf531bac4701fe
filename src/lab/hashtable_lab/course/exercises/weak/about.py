"""Looking without holding."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="Looking without holding",
    task="Replace the dots by what you expect.",
    minutes=6,
    chapter="counts",
    fails="unanswered",
    hints=(
        "Does a weak reference own what it refers to?",
        "Calling a weak reference gives an ordinary one. Who holds that?",
        "When the last owner goes, the weak reference answers None; it never holds anything back.",
    ),
    explanation="A weak reference does not count. What it returns when it is called is an ordinary, new reference.",
    wrong=(
        Wrong(
            "a weak reference counts",
            "prediction",
            "A weak reference is not entered in the count: that is all that is weak about it.",
            python=(
                (
                    "look = weakref.ref(thing)\npredict(sys.getrefcount(thing) - start, 0)",
                    "look = weakref.ref(thing)\npredict(sys.getrefcount(thing) - start, 1)",
                ),
            ),
            error=r"^Prediction 1: you said 1,",
        ),
        Wrong(
            "what it returns is weak, too",
            "prediction",
            "Calling it gives an ordinary reference, and a name now holds that.",
            python=(
                (
                    "held = look()\npredict(sys.getrefcount(thing) - start, 1)",
                    "held = look()\npredict(sys.getrefcount(thing) - start, 0)",
                ),
            ),
            error=r"^Prediction 2: you said 0,",
        ),
        Wrong(
            "a WeakValueDictionary holds its values",
            "prediction",
            "Its values are held weakly: hence its name.",
            python=(
                (
                    "cache = weakref.WeakValueDictionary(thing=thing)\npredict(sys.getrefcount(thing) - start, 1)",
                    "cache = weakref.WeakValueDictionary(thing=thing)\npredict(sys.getrefcount(thing) - start, 2)",
                ),
            ),
            error=r"^Prediction 3: you said 2,",
        ),
        Wrong(
            "it holds to the end",
            "prediction",
            "The last owner is gone, and with it the object. A weak reference cannot keep it.",
            python=(
                ("del thing, held\npredict(look() is None, True)", "del thing, held\npredict(look() is None, False)"),
            ),
            error=r"^Prediction 4: you said False,",
        ),
    ),
    notes="Ask what `ref()` returns: new, or borrowed? Then why it must not be borrowed.",
)
