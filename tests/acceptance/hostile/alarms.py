"""What the log says when something of ours, or of a library's, did not expect its input."""

ALARMS = ("Traceback", "request_failed", "command_failed", "stream_failed", "socket_failed", "Internal Server Error",
          "Exception in ASGI", "attempt_failed", "log_not_written")  # fmt: skip


def alarms_in(log: str) -> list[str]:
    return [alarm for alarm in ALARMS if alarm in log]
