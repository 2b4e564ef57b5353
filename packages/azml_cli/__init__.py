"""What people type. One file per command (group), one renderer for text and `--json`; the rules live in the packages it presents."""
