"""Who else holds it."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="Who else holds it",
    task="Replace the dots by what you expect.",
    minutes=8,
    chapter="counts",
    fails="unanswered",
    hints=(
        "A function object owns something, too. What?",
        "A default argument lives in the function. A global name is looked up each time, and held by nobody.",
        "A function in a function keeps the variables of the outer one that it uses; a bound method keeps its object.",
    ),
    explanation="Functions own their defaults and the variables that they close over; a bound method "
    "owns its object. A global that is merely mentioned is not held.",
    wrong=(
        Wrong(
            "a default is no owner",
            "prediction",
            "The default is made when `def` runs, and lives in the function object: that is an owner.",
            python=(
                ("\n\npredict(sys.getrefcount(thing) - start, 1)", "\n\npredict(sys.getrefcount(thing) - start, 0)"),
            ),
            error=r"^Prediction 1: you said 0,",
        ),
        Wrong(
            "a global is held",
            "prediction",
            "A function that mentions a global name looks it up each time it runs. It holds nothing.",
            python=(
                (
                    "mention = lambda: thing\npredict(sys.getrefcount(thing) - start, 1)",
                    "mention = lambda: thing\npredict(sys.getrefcount(thing) - start, 2)",
                ),
            ),
            error=r"^Prediction 2: you said 2,",
        ),
        Wrong(
            "a closure holds nothing",
            "prediction",
            "The inner function outlives the call: what it needs of the outer one's variables it has to keep.",
            python=(
                (
                    "closed = make(thing)\npredict(sys.getrefcount(thing) - start, 2)",
                    "closed = make(thing)\npredict(sys.getrefcount(thing) - start, 1)",
                ),
            ),
            error=r"^Prediction 3: you said 1,",
        ),
        Wrong(
            "a method is only a name",
            "prediction",
            "A bound method remembers its object: it could not call anything otherwise.",
            python=(
                (
                    "bound = thing.method\npredict(sys.getrefcount(thing) - start, 3)",
                    "bound = thing.method\npredict(sys.getrefcount(thing) - start, 2)",
                ),
            ),
            error=r"^Prediction 4: you said 2,",
        ),
    ),
    notes="People think that a function which mentions a global holds the object. Ask what happens "
    "when the name is bound to something else.",
)
