"""What a person sees of the window."""
