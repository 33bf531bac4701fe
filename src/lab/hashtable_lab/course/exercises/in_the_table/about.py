"""What a table owns."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="What a table owns",
    task="Replace the dots by what you expect.",
    minutes=8,
    chapter="counts",
    fails="unanswered",
    hints=(
        "Which references does a table own: how many for a pair?",
        "Overwriting a value takes one reference and gives one back. `set` returns something: what?",
        "`pop` takes the pair out; what it returns lives only as long as somebody keeps it.",
    ),
    explanation="A table owns one reference to each key and each value. set returns the table itself, so "
    "a name for that is one more owner of the table.",
    wrong=(
        Wrong(
            "overwriting takes another",
            "prediction",
            "The old value is given back when the new one takes its place, even if both are the same object.",
            python=(
                (
                    'predict(sys.getrefcount(thing) - start, 1)\n\ntable.set("a", thing)\n'
                    "predict(sys.getrefcount(thing) - start, 1)",
                    'predict(sys.getrefcount(thing) - start, 1)\n\ntable.set("a", thing)\n'
                    "predict(sys.getrefcount(thing) - start, 2)",
                ),
            ),
            error=r"^Prediction 2: you said 2,",
        ),
        Wrong(
            "pop keeps it",
            "prediction",
            "What pop returns is a reference for you; here nobody keeps it.",
            python=(
                (
                    'table.pop("a")\npredict(sys.getrefcount(thing) - start, 1)',
                    'table.pop("a")\npredict(sys.getrefcount(thing) - start, 2)',
                ),
            ),
            error=r"^Prediction 4: you said 2,",
        ),
        Wrong(
            "set returns a copy",
            "prediction",
            "set returns the table itself: a name for it is one more owner of the same table.",
            python=(
                (
                    'same = table.set("c", thing)\npredict(sys.getrefcount(table) - before, 1)',
                    'same = table.set("c", thing)\npredict(sys.getrefcount(table) - before, 0)',
                ),
            ),
            error=r"^Prediction 5: you said 0,",
        ),
        Wrong(
            "clear only forgets",
            "prediction",
            "clear gives back every key and every value.",
            python=(
                (
                    "table.clear()\npredict(sys.getrefcount(thing) - start, 0)",
                    "table.clear()\npredict(sys.getrefcount(thing) - start, 2)",
                ),
            ),
            error=r"^Prediction 6: you said 2,",
        ),
    ),
    notes="This is what the talk's two bugs are about. Ask which line of C would take each of these references.",
)
