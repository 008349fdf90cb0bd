"""A PyTorch program, captured once and rebuilt with the native operators of other frameworks.

The way of a model: :mod:`capture` (the only module that needs torch) reads ``torch.export``'s
graph into a :mod:`program`; :mod:`simplify` and :mod:`channels_last` rewrite it, free of any
framework; :mod:`artefact` stores one program per padding bucket, with the weights once;
:mod:`evaluate` runs a program through an op table, of which there are two: :mod:`jax_ops` and
:mod:`tf_ops`, each with its own ``_images`` for convolution and pooling.
"""
