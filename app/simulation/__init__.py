"""`fermata hub simulate-rooms`: many simulated rooms that send to one hub over the real wire."""
