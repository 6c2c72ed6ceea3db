"""The window of `render`."""
