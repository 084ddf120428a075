"""A clean-room host of DJL Serving's handler protocol, in a process of its own; not DJL Serving.

It is written from public documentation alone. ``python -m slipway.local_cloud.hosts.djl`` serves the folder that
``SLIPWAY_MODEL_DIR`` names on the port that ``SAGEMAKER_BIND_TO_PORT`` names. Torch is never imported here: it lives in
the ranks, which run ``containers/djl/rank.py`` by path.
"""

LABEL = "clean-room host, not DJL Serving"
"""Wherever it shows."""
