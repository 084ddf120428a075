"""Virtual environments for servers of others; the local cloud, which starts some of them, makes them too."""

from slipway.local_cloud.hosts.environments import FOLDER, PROJECT, EnvironmentFailureError, environment

__all__ = ["FOLDER", "PROJECT", "EnvironmentFailureError", "environment"]
