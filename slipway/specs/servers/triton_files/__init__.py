"""Triton's model repository for an artifact: folders, configurations, the steps in Python."""
