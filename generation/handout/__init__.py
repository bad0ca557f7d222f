"""The hand-out of a program: its sheet, its PDF and the code that leads to it."""
