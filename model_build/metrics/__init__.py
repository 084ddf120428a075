"""What verify measures: original and artifact on the same inputs, a file for each metric."""

from model_build.metrics.accuracy import MAX_ACCURACY_LOSS, accuracy
from model_build.metrics.bootstrap import lower_bound, upper_bound_of_ratio
from model_build.metrics.cosine import cosine_similarity
from model_build.metrics.divergence import kl_similarity
from model_build.metrics.largest import largest_difference
from model_build.metrics.measured import Measured, Metric
from model_build.metrics.perplexity import perplexity_ratio
from model_build.metrics.tensors import r_squared
from model_build.metrics.tokens import next_token_agreement
from model_build.metrics.top_k import top_k_agreement

METRICS: dict[str, Metric] = {
    "cosine_similarity": cosine_similarity,
    "accuracy": accuracy,
    "r_squared": r_squared,
    "next_token_agreement": next_token_agreement,
    "kl_similarity": kl_similarity,
    "perplexity_ratio": perplexity_ratio,
}
"""Those that judge a task; the others stand in a proof's details, or are a task's to use."""

__all__ = [
    "MAX_ACCURACY_LOSS",
    "METRICS",
    "Measured",
    "Metric",
    "accuracy",
    "cosine_similarity",
    "kl_similarity",
    "largest_difference",
    "lower_bound",
    "next_token_agreement",
    "perplexity_ratio",
    "r_squared",
    "top_k_agreement",
    "upper_bound_of_ratio",
]
