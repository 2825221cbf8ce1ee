"""`fermata demo`: three acts, the processes they need, and weeks of simulated sessions."""
