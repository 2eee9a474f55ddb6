"""Models as one function: ``predict(data, params)``, whatever they were made with."""
