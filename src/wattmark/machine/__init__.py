"""The machine as the kernel shows it: processors, processes, groups, load, what is installed.

Every file of /proc and /sys that is not an energy counter is read here, each in one place.
Nothing here measures energy, imports a framework or knows what a plan is.
"""
