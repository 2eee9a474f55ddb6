"""Fit a Keras model until it stops getting better."""

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)

X, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    (X / 16).astype("float32"), y, test_size=0.25, random_state=0
)

inputs = keras.Input((64,))
x = keras.layers.Dense(32, activation="relu")(inputs)
x = keras.layers.Dropout(0.2)(x)
outputs = keras.layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=8,
    validation_data=(x_test, y_test),
    callbacks=[
        keras.callbacks.EarlyStopping(
            monitor="val_accuracy", patience=1, restore_best_weights=True, min_delta=0.01
        ),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1),
    ],
    verbose=0,
)
losses = history.history["loss"]
print([repr(loss) for loss in losses])
print(model.evaluate(x_test, y_test, verbose=0))
print(np.abs(model.get_weights()[0]).sum().item())
