"""Tests for which one version of Postgres is enough."""

import pytest

#: For tests about processes, signals and outages: Postgres's version makes no difference to them.
ON_ONE_POSTGRES = pytest.mark.parametrize("postgres", [18], indirect=True, ids=["postgres18"])

#: The same as the `pytestmark` of a module, some of whose tests need no database.
ALL_ON_ONE_POSTGRES = [ON_ONE_POSTGRES, pytest.mark.usefixtures("postgres")]
