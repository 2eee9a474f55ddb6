"""A training loop written out with tf.GradientTape."""

import tensorflow as tf
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

tf.keras.utils.set_random_seed(0)

X, y = load_diabetes(return_X_y=True)
dataset = tf.data.Dataset.from_tensor_slices(
    (scale(X).astype("float32"), scale(y).astype("float32")[:, None])
)
dataset = dataset.shuffle(500, seed=0, reshuffle_each_iteration=False).batch(64)

model = tf.keras.Sequential(
    [tf.keras.layers.Dense(16, activation="tanh"), tf.keras.layers.Dense(1)]
)
loss_fn = tf.keras.losses.MeanSquaredError()
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)

losses = []
for epoch in range(3):
    for step, (x_batch, y_batch) in enumerate(dataset):
        with tf.GradientTape() as tape:
            predictions = model(x_batch, training=True)
            loss_value = loss_fn(y_batch, predictions)
        gradients = tape.gradient(loss_value, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights))
        losses.append(float(loss_value))
    print(f"epoch {epoch}: loss {losses[-1]!r}")
