"""JAX: the captured program as one ``jax.jit`` function a padding bucket."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import Inputs, Model, Output, Runner, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.aten import artefact as artefacts
from wattmark.frameworks.aten.evaluate import check_supported, evaluate
from wattmark.records import Precision, Setup
