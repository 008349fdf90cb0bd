"""A PyTorch program, captured once and rebuilt with the native operators of other frameworks.

The way of a network: :mod:`capture` (the only module that needs torch) reads ``torch.export``'s
graph into a :mod:`program`; :mod:`simplify`, :mod:`channels_last` (with :mod:`layout` and its
rules) and :mod:`row_writes` rewrite it, free of any framework; :mod:`artefact` stores one program
for each size of the network's axes, with the weights once; :mod:`bfloat16` narrows it where that
is asked; :mod:`evaluate` runs a program through an op table, :mod:`jax_ops` or :mod:`tf_ops`, each
made of a file for every kind of operator; :mod:`dispatch` makes a runner of several programs.

:mod:`families` and :mod:`coverage` say which model families and operators that was tried with.
"""
