"""What keeps simulated rooms from a hub, in one sentence."""


class SimulationError(Exception):
    """These rooms cannot or must not send to this hub; says what to do."""
