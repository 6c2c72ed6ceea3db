"""What a folder holds, as rows: no Qt, no window."""
