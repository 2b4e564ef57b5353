"""Score with the wine model: `{"data": [[13 features], …]}` in, the probabilities of the three cultivars out."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init() -> None:
    """Load the model once, when the instance starts."""
    global session
    file = Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "wine.onnx"
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


@input_schema("data", NumpyParameterType(np.array([[1.0] * 13])))
@output_schema(NumpyParameterType(np.array([[0.2, 0.3, 0.5]])))
def run(data: np.ndarray) -> list[list[float]]:
    """Predict the probabilities of one wine a row."""
    (probabilities,) = session.run(["probabilities"], {"X": data.astype(np.float32)})
    return probabilities.tolist()
