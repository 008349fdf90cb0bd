"""What is to be measured: plans read from YAML, checked, expanded into trials.

Here live plan files and suites, the syntax of their values, the data sets and prompts that a plan
names. Nothing here starts a process, opens a meter or knows how a trial is conducted.
"""
