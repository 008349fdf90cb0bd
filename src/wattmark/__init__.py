"""Wattmark: what does an AI model cost to run, and is it worth it?

The public API is what these modules list in ``__all__``:

* :mod:`wattmark`: measure, run, and read what came of it;
* :mod:`wattmark.contracts`: what a plug-in fills, and what it is handed;
* :mod:`wattmark.records`: plans, results and runs, as they are stored;
* :mod:`wattmark.quantities`: numbers with unit, interval and grade;
* :mod:`wattmark.errors`: everything that is raised on purpose.

Names in them change with notice in the changelog. Modules not listed here, and entry points other
than those that CONTRIBUTING names, may change without notice.

Everything is imported when it is first used, so that ``import wattmark`` is quick and imports no
framework. The names, and where each is from, stand in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
