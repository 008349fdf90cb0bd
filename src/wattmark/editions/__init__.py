"""Editions: dated ratings under a hash, and what is shown of one result of them.

Here live the document, its differences and problems, its files, tables that are rated, limits and
labels. Stars themselves are computed in ``rating``; a board keeps editions in its database.
"""
