"""Train the sample's model: a small neural network on scikit-learn's wine data (178 wines, 13 features), as ONNX.

    python train.py            writes model/wine.onnx, sample-request.json and sample-answer.json

Run it with scikit-learn 1.9.1 and skl2onnx 1.20.0. The data ships with scikit-learn; nothing is downloaded. The answer
is scikit-learn's own, before the conversion: what onnxruntime says has to agree with it.
"""

import json
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent


def main() -> None:
    """Fit on 80 % of the wines, report the share of the others that it gets right, write model, request and answer."""
    features, cultivars = load_wine(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(features, cultivars, test_size=0.2, random_state=0)
    network = MLPClassifier(hidden_layer_sizes=(16,), max_iter=2000, random_state=0)
    model = make_pipeline(StandardScaler(), network).fit(train_x, train_y)
    print(f"right on {model.score(test_x, test_y):.0%} of {len(test_y)} wines kept apart")
    (HERE / "model").mkdir(exist_ok=True)
    converted = to_onnx(model, train_x[:1].astype(np.float32), options={"zipmap": False})
    (HERE / "model" / "wine.onnx").write_bytes(converted.SerializeToString())
    asked = test_x[:3]
    (HERE / "sample-request.json").write_text(json.dumps({"data": asked.tolist()}) + "\n")
    (HERE / "sample-answer.json").write_text(json.dumps(model.predict_proba(asked).tolist()) + "\n")


if __name__ == "__main__":
    main()
