"""What is there, what it cost, what a system is: states, cost, model cards, records."""
