"""An agent in its smallest form, for the example app."""
