"""Names and containers own references."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="Who owns a reference?",
    task="Replace the dots by the numbers that you expect.",
    minutes=8,
    chapter="counts",
    fails="unanswered",
    hints=(
        "Who owns a reference: an object, or each name and each place in a container?",
        "A list has one place for each item. A list in a list is an object of its own, with places of its own.",
        "A copy of a list copies its places, not what is in them: the inner list is the same one in both.",
    ),
    explanation="Each name and each place in a container owns one reference. A slice has new places for "
    "the same objects.",
    wrong=(
        Wrong(
            "a list counts once",
            "prediction",
            "A list does not own an object once: each of its places owns a reference, and so does "
            "the place in the inner list.",
            python=(
                (
                    "predict(sys.getrefcount(thing) - start, 4)\n\ncopy",
                    "predict(sys.getrefcount(thing) - start, 2)\n\ncopy",
                ),
            ),
            pattern=r"start, 2\)",
        ),
        Wrong(
            "a slice copies deeply",
            "prediction",
            "A slice copies places. The third place holds the inner list, and of that there is still only one.",
            python=(("start, 6)", "start, 7)"),),
            pattern=r"start, 7\)",
        ),
        Wrong(
            "del destroys",
            "prediction",
            "`del` takes away a name. The list goes, since that was its last reference. The copy "
            "lives, and what both shared.",
            python=(
                (
                    "del shelf\npredict(sys.getrefcount(thing) - start, 4)",
                    "del shelf\npredict(sys.getrefcount(thing) - start, 1)",
                ),
            ),
            pattern=r"(?s)start, 6\).*start, 1\)",
        ),
    ),
    notes="People count objects and not places. Draw the list as boxes with arrows, and count arrows.",
)
