"""The dashboard of the admin: what the daily summaries say, as charts with their tables and CSV files.

`filters` says what is asked for, `history` reads it, a file for each subject makes `panels` of it, `page` shows them.
What only the application knows comes in through `registry`.
"""
