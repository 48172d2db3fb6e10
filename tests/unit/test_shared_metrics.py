"""Where the metrics of several processes are kept."""

import tempfile
from pathlib import Path

import pytest

from wms_server.shared_metrics import NoMetricsFolder, metrics_folder


def test_a_machine_without_room_for_temporary_files_is_told_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container whose files are read only."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nothing"))
    with pytest.raises(NoMetricsFolder, match=r"SERVER_PROCESSES.*TMPDIR"), metrics_folder():
        pass
