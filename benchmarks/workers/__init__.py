"""One program per tool, run as a process of its own: nothing of a peer enters the harness."""
