"""Models of the hub or of a folder, one adapter a task, by entry point ``wattmark.adapters``.

Here live the adapters and what they share: files, encoders, processors, schedules.
Packaged models are files of ``models``; networks in PyTorch that several use, of ``networks``.
"""
