"""Where the metrics are defined."""


def accuracy(truth, predicted):
    """The share that is right."""
    return sum(t == p for t, p in zip(truth, predicted, strict=True)) / len(truth)


def error(truth, predicted):
    """The share that is wrong."""
    return 1.0 - accuracy(truth, predicted)
