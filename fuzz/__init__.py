"""Coverage-guided fuzzing of what strangers send: `make fuzz`, or `python -m fuzz SECONDS [TARGET ...]`."""
