"""Small pictures of files, made off the window's thread and kept as desktops keep them."""
