"""One module a picture format: is the file whole, without decoding."""
