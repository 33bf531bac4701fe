"""What an exception keeps."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="What an exception keeps",
    task="Replace the dots by what you expect.",
    minutes=9,
    chapter="faults",
    fails="unanswered",
    hints=(
        "An exception has a traceback. What is in a traceback?",
        "A traceback has the frames, and a frame has its variables. How long do they live?",
        "The name after `as` is deleted at the end of the block, but another name may keep the exception.",
    ),
    explanation="An exception owns its traceback, that owns frames, and those own their variables. Keep "
    "an exception, and you keep everything that was in reach.",
    wrong=(
        Wrong(
            "the function is over",
            "prediction",
            "The function is over, but its frame hangs in the traceback, with the variable in it.",
            python=(
                (
                    "    kept = error\npredict(sys.getrefcount(thing) - start, 1)",
                    "    kept = error\npredict(sys.getrefcount(thing) - start, 0)",
                ),
            ),
            error=r"^Prediction 1: you said 0,",
        ),
        Wrong(
            "as makes a name for good",
            "prediction",
            "The name after `as` is deleted when the block ends, just because of what it would keep.",
            python=(
                (
                    'names = list(globals())\npredict("error" in names, False)',
                    'names = list(globals())\npredict("error" in names, True)',
                ),
            ),
            error=r"^Prediction 2: you said True,",
        ),
        Wrong(
            "only the exception's end helps",
            "prediction",
            "The frames hang on the traceback. Without it the exception keeps nothing of them.",
            python=(
                (
                    "kept.__traceback__ = None\npredict(sys.getrefcount(thing) - start, 0)",
                    "kept.__traceback__ = None\npredict(sys.getrefcount(thing) - start, 1)",
                ),
            ),
            error=r"^Prediction 3: you said 1,",
        ),
    ),
    notes="A cache of exceptions is a well-known leak. Ask what `kept` would keep in a web server.",
)
