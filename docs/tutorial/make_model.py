"""A model and data that this project neither made nor ships: scikit-learn's breast cancer set and a plain pipeline.

Writes test.csv, train.csv and model.skops into the current folder.
"""

import skops.io
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

frame = load_breast_cancer(as_frame=True).frame
frame["diagnosis"] = frame.pop("target").map({0: "malignant", 1: "benign"})
frame["large"] = (frame["mean radius"] > 15).map({True: "yes", False: "no"})
train, test = train_test_split(frame, test_size=0.5, random_state=7, stratify=frame["diagnosis"])
features = [column for column in frame if column not in ("diagnosis", "large")]
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(
    train[features], train["diagnosis"]
)
train.to_csv("train.csv", index=False)
test.to_csv("test.csv", index=False)
skops.io.dump(model, "model.skops")
