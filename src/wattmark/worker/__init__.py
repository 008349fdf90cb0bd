"""Inside a measuring process: convert, check, answer queries between two readings.

Here lives what one child of the conductor does with its job, and the messages that it sends.
Nothing here knows of other setups, of turns, of the store or of what is made of the readings.
"""
