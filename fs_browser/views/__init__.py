"""What a person sees: the browser, its views, bars and keys."""
