"""Says where a run comes from: user, source, git commit and uncommitted patch."""
