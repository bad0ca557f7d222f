from generation import runs
from generation.management.steering import SteeringCommand


class Command(SteeringCommand):
    help = "Queue a paused run again."
    act = runs.resume
