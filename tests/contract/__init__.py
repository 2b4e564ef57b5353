"""Foreign witnesses: official clients, unmodified, against a running local Azure.

What is expected here comes from Azure's documents and from what the clients themselves demand, never from our code.
"""
