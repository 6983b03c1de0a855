"""The verbs of the command line, one file each. What is heavy is imported when a verb runs, so that ``--help`` answers at once."""
