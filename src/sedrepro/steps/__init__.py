"""One module per verb of the command line: what it does, its options, and `run`. Rules of the workflow run verbs.

A verb's module offers `add_arguments(parser)` where it has options, and `run(request)`, which returns the exit status
or None. Its docstring's first line is its help. What a step depends on is the import closure of its module
(`sedrepro.base.code`), so settings of papers come to it through the request and are imported for their types only.
"""
