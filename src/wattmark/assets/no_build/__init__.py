"""A folder to put on the path of a process that must not run a build backend."""
