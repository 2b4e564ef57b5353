"""Train the sample's model: ridge regression on scikit-learn's diabetes data (442 patients, 10 features).

    python train.py            writes model/diabetes.joblib

Run it in the environment of conda.yml. The data ships with scikit-learn; nothing is downloaded, and the
result depends on nothing but the versions in conda.yml.
"""

from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

MODEL = Path(__file__).parent / "model" / "diabetes.joblib"


def main() -> None:
    """Fit on 80 % of the patients, report the error on the others, write the model."""
    features, progression = load_diabetes(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(features, progression, test_size=0.2, random_state=0)
    model = Ridge(alpha=0.03).fit(train_x, train_y)
    print(f"rmse on {len(test_y)} patients kept apart: {root_mean_squared_error(test_y, model.predict(test_x)):.2f}")
    MODEL.parent.mkdir(exist_ok=True)
    joblib.dump(model, MODEL)
    print(f"wrote {MODEL.relative_to(Path(__file__).parent)}")


if __name__ == "__main__":
    main()
