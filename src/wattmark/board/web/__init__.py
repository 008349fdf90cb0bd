"""The board as an ASGI application: middleware, limits, security headers, caches, its server.

What both ``api`` and ``pages`` stand on, and the application that mounts them.
"""
