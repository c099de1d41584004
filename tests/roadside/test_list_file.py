"""Published lists as a file."""

import numpy as np
import pytest

from lukou_roadside.perception.list_file import speed_deviation


def test_a_speed_is_as_sure_as_the_velocity_along_the_way() -> None:
    # to the north, to the north-east, and one who stands and looks to the west
    north_east = 5.0 * np.sqrt(0.5)
    told = {
        "velocity_x_mps": np.array([0.0, north_east, 0.0]),
        "velocity_y_mps": np.array([8.0, north_east, 0.1]),
        "yaw_rad": np.array([0.0, 0.0, np.pi]),
        "velocity_variance_xx_m2ps2": np.array([9.0, 1.0, 0.04]),
        "velocity_variance_xy_m2ps2": np.array([0.0, -0.75, 0.0]),
        "velocity_variance_yy_m2ps2": np.array([0.09, 1.0, 4.0]),
    }
    assert speed_deviation(told).tolist() == pytest.approx([0.3, 0.5, 0.2])
