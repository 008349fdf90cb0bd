"""The Frechet distance between the features of two sets of images.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
Equilibrium", NeurIPS 2017 (arXiv 1706.08500), equation 6; for two Gaussians after Dowson and
Landau, Journal of Multivariate Analysis 12, 1982.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian:
    """Mean (d,) and covariance (d, d) of features."""

    mean: Matrix
    covariance: Matrix

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> Gaussian:
        """Of features (n, d), n at least 2; the covariance is the unbiased one."""
        if len(features) < 2:
            raise ValueError(f"a covariance needs at least 2 images, there are {len(features)}")
        wide = features.astype(np.float64)
        return cls(wide.mean(0), np.cov(wide, rowvar=False))

    @cached_property
    def root(self) -> Matrix:
        """The symmetric square root of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        root: Matrix = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        return root


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """``|m_a - m_b|^2 + Tr(C_a + C_b - 2 (C_a C_b)^(1/2))``, in squared units of the features.

    The trace of the root is that of (C_b^(1/2) C_a C_b^(1/2))^(1/2), which is symmetric.
    """
    eigenvalues = np.linalg.eigvalsh(b.root @ a.covariance @ b.root)
    shared = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    apart = np.square(a.mean - b.mean).sum()
    return float(max(apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * shared, 0))
