"""The built-in commands of the ``chiplog`` program, a plugin like any other."""
