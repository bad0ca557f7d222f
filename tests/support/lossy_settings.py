from hepcompanion.settings import *  # noqa: F403

CHANNEL_LAYERS = {"default": {"BACKEND": "tests.support.lossy_layer.LossyLayer"}}
