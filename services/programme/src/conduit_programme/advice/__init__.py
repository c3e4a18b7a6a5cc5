"""National advice: notes to every force, what they rest on, and what each force makes of them."""
