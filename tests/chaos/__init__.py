"""
`python -m tests.chaos`: real processes, real PostgreSQL and real HTTP, one scenario for each fault, judged by Intercom.

docs/reliability.md says what is promised, how to read the table and what each scenario does. Not a part of pytest.

- `__main__` and `lanes` run the scenarios, a few at a time, each in a process and a directory of its own.
- `scenario` is that process: it builds a `stage`, lets the fault happen (`faults_*`), waits, and judges (`promises`).
- `plan` makes up the events (from the seed alone), `poster` posts them as RevenueCat would, `intercom` asks the
  stand-in for its ledger, `book` alone looks into the app's tables, `servers` and `programs` run the processes.
"""
