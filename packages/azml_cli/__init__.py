"""What people type: one file a command (group), one renderer for text and `--json`.

The rules live in the packages that the commands present.
"""
