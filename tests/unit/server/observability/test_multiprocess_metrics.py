"""The folder for the metrics of several processes."""

import tempfile
from pathlib import Path

import pytest

from wms_server.observability.multiprocess_metrics import NoMetricsFolder, open_metrics_folder


def test_missing_temporary_folder_is_reported_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container with a read-only file system may have no temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nothing"))
    with pytest.raises(NoMetricsFolder, match=r"SERVER_PROCESSES.*TMPDIR"), open_metrics_folder():
        pass
