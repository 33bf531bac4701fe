"""A campaign: many jobs, run wherever there is room for them, and never twice.

A `Job` is a function and its arguments. It can be pickled, so it can run in another process or on another machine; and it is
named by the content of its input, so a result that is kept on disk is found again when the campaign is started anew. What a
job returns is plain data (whatever JSON can hold), and therefore the same wherever it ran.

    from hashtable_lab.campaign import Job, run

    results = run([Job(measure, {"size": size}) for size in (4, 64)], executor="processes", store=folder)

`job` is what a job and a result are, `executors` where jobs run (in this process, in others, on a Dask cluster, in any
`concurrent.futures.Executor`), `engine` runs them, `option` is what a command offers of it.
"""

from hashtable_lab.campaign.engine import known, run
from hashtable_lab.campaign.executors import ExecutorChoice
from hashtable_lab.campaign.job import Job, Result, digest

__all__ = ["ExecutorChoice", "Job", "Result", "digest", "known", "run"]
