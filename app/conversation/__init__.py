"""Who is speaking to turns and silences: units, the floor, silences, metrics."""
