"""The course: small broken files to be mended by the learner, judged by the ledger and not compared with a solution.

exercise.py      what an exercise is; `exercises/` has them, contents.py their order
folder.py        the learner's folder, and the progress
build.py         compiles one file, with the ledger in it
judge.py         the child: runs the tests, and makes each call that may fail, fail
check.py         makes of what the child saw a verdict
predictions.py   the exercises in Python alone: predict, then run
prove.py         shows that each exercise fails as given, passes when solved, and answers each tempting mistake
commands.py      what a learner types
"""
