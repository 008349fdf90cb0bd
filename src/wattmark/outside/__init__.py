"""What is outside the process: files that a user names, documents, HTTP questions, hosts, sockets.

Here it is said once how such a thing is met, with its limits and its errors, for every room above.
What an answer or a document means is not known here: no record, no quantity, no instrument. Pinned
data are fetched by ``assets``, what a measurement asks a server by ``endpoints``.
"""
