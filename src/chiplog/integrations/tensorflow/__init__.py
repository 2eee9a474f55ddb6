"""tensorflow: what this plugin provides. The heavy code is imported when it is needed."""
