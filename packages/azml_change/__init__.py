"""What a plan of the engine means for who serves models: which endpoint answers from what, and what is lost.

Owns the reading of a plan, the recognition of noise, the words, and how they fit a comment. Deliberately knows no
terminal (`azml_cli.preview`) and runs nothing.
"""
