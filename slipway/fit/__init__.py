"""Whether a model fits into the memory of a machine, with the arithmetic."""

from slipway.fit.config import model_of_config
from slipway.fit.fit import Fit, can_compute, degree_on, fit, sequence_tokens, smallest
from slipway.fit.given import model_of_facts, model_of_language, read_model
from slipway.fit.model import Model
from slipway.fit.options import MAX, Options, options_of, options_of_properties
from slipway.fit.plan import Plan, plan, undividable

__all__ = [
    "MAX",
    "Fit",
    "Model",
    "Options",
    "Plan",
    "can_compute",
    "degree_on",
    "fit",
    "model_of_config",
    "model_of_facts",
    "model_of_language",
    "options_of",
    "options_of_properties",
    "plan",
    "read_model",
    "sequence_tokens",
    "smallest",
    "undividable",
]
