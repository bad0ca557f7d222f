from generation import runs
from generation.management.steering import SteeringCommand


class Command(SteeringCommand):
    help = "Ask a run to stop."
    act = runs.cancel
