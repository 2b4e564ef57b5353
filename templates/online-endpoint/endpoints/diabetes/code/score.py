"""Score with the diabetes model: `{"data": [[ten features], …]}` in, a list of disease progressions out."""

import os
from pathlib import Path

import joblib
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init() -> None:
    """Load the registered model once, when the instance starts."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "diabetes.joblib")


@input_schema("data", NumpyParameterType(np.array([[1.0] * 10])))
@output_schema(NumpyParameterType(np.array([152.1])))
def run(data: np.ndarray) -> list[float]:
    """Predict one disease progression a row."""
    return model.predict(data).tolist()
