"""What a person has done: errands made of what is selected."""
