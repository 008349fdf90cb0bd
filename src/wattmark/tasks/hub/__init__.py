"""Public data sets of the Hugging Face hub, in the form that each task takes: one file a task.

An entry says which files at which commit, and how a row is an example (group
``wattmark.datasets``). How examples are scored stays with the task.
"""
