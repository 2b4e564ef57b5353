"""What Azure and its tools are like: data with its source and date.

Owns numbers, names and tables. Deliberately holds no opinions: what follows from a fact is decided where it is used.
"""
