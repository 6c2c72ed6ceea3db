"""Actions in words: title, sentence, icon, shortcut, and when each makes sense."""
