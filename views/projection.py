"""Equal Earth, a projection that keeps areas true, so that densities can be compared.

After B. Šavrič, T. Patterson, B. Jenny, "The Equal Earth map projection", 2018.
"""

import numpy as np
from numpy.typing import NDArray

_A = (1.340264, -0.081106, 0.000893, 0.003796)
_M = np.sqrt(3) / 2

Points = NDArray[np.float64]


def equal_earth(points: Points) -> Points:
    """(…, 2) of [lon, lat] in degrees to [x, y], y upward; x is within 2.707, y within 1.318."""
    lon, lat = np.radians(points[..., 0]), np.radians(points[..., 1])
    theta = np.arcsin(_M * np.sin(lat))
    square = theta**2
    sixth = square**3
    slope = _A[0] + 3 * _A[1] * square + sixth * (7 * _A[2] + 9 * _A[3] * square)
    x = lon * np.cos(theta) / (_M * slope)
    y = theta * (_A[0] + _A[1] * square + sixth * (_A[2] + _A[3] * square))
    return np.stack([x, y], axis=-1)
