"""One ONNX model, loaded into ONNX Runtime on the CPU; quiet, and safe to run from threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.errors import InvalidModel

ERRORS_ONLY = 3


class OnnxSession:
    """Runs one model. `run` frees the GIL: several threads at once use several cores.

    Args:
        model: bytes of a model, or the path of one.
        name: of the model, for messages.
        threads: cores that one `run` may use; 1 is the most economical, per core, for pictures
            that come one by one on several threads.

    Raises:
        InvalidModel: ONNX Runtime can't load it.
    """

    def __init__(self, model: bytes | Path, *, name: str, threads: int = 1) -> None:
        import onnxruntime  # 0.1 s that a program without a network saves

        self._name = name
        onnxruntime.set_default_logger_severity(ERRORS_ONLY)
        source = str(model) if isinstance(model, Path) else model
        try:
            self._session = onnxruntime.InferenceSession(
                source, _options(onnxruntime, threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no base class
            raise InvalidModel(f"model {name} can't be loaded ({_first_line(error)})") from error

    @property
    def inputs(self) -> dict[str, tuple[str, list[Any]]]:
        """Type, e.g. ``tensor(float)``, and shape of each input; a free axis is a name or None."""
        return {node.name: (node.type, list(node.shape)) for node in self._session.get_inputs()}

    @property
    def outputs(self) -> dict[str, tuple[str, list[Any]]]:
        """Type and shape of each output."""
        return {node.name: (node.type, list(node.shape)) for node in self._session.get_outputs()}

    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[Any]:
        """One output for the named inputs.

        Raises:
            InvalidModel: the model fails on this input.
        """
        try:
            (result,) = self._session.run([output], inputs)
        except Exception as error:  # its exceptions share no base class
            raise InvalidModel(f"model {self._name} fails ({_first_line(error)})") from error
        return np.asarray(result)


def _options(onnxruntime: Any, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = ERRORS_ONLY
    # Waiting threads sleep instead of spinning: the other cores decode pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
