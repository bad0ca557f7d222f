"""A run as an operator reads it: what took how long and where it broke, from codes, counts and durations alone."""
