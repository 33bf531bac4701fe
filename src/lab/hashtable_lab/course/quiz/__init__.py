"""The questions of the book: what a first reading gets wrong. The right answers are computed, by running each question's program.

question.py      what a question is, and how its answer is found
table.py         about the hash table
counts.py        about counting, new, borrowed and stolen references, and the life of an object
trouble.py       about errors, re-entrancy, and the tools that look for mistakes
command.py       `course quiz`: the questions in the terminal

The book has them at the end of its chapters, by the directive in docs/questions_directive.py.
"""

from hashtable_lab.course.quiz.question import Question, answers, questions

__all__ = ["Question", "answers", "questions"]
