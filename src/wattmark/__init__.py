"""Wattmark: what does an AI model cost to run, and is it worth it?

Public are these modules, name by name on the page ``docs/public.md``:

* :mod:`wattmark`: measure, run, and read what came of it;
* :mod:`wattmark.contracts`: what a plug-in fills, and what it is handed;
* :mod:`wattmark.records`: plans, results and runs, as they are stored;
* :mod:`wattmark.quantities`: numbers with unit, interval and grade;
* :mod:`wattmark.errors`: everything that is raised on purpose;
* :mod:`wattmark.pipelines`: ways of answering that a model can take ready-made;
* :mod:`wattmark.metrology`: what a meter needs to turn readings into energy with an interval;
* :mod:`wattmark.meters.node`: what a kind of meter that a user names is made of;
* :mod:`wattmark.exports`: what an export writes, and how it lists what is not known;
* :mod:`wattmark.reports`: the table of a run, for a report format.

Modules not listed here may change without notice.

Everything is imported when it is first used, so that ``import wattmark`` is quick and imports no
framework. The names, and where each is from, stand in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
