"""Stars: rules as pure functions of a population."""
