from model_build.tasks.image_classification import ImageClassification
from model_build.tasks.sentence_embedding import SentenceEmbedding
from model_build.tasks.task import Feeds, Samples, Task, Traceable, weights_bytes, with_module
from model_build.tasks.text_generation import TextGeneration
from model_build.tasks.text_rewriting import TextRewriting
from model_build.tasks.transformation import Transformation
from model_build.text_rewriter import TextRewriter

TASKS: dict[str, type[Task]] = {
    "sentence-embedding": SentenceEmbedding,
    "image-classification": ImageClassification,
    "transformation": Transformation,
    "text-generation": TextGeneration,
}


def task_of(name: str, original: object) -> Task:
    """Return a task for an original of its kind; an encoder-decoder is generated with in another way."""
    kind = TextRewriting if isinstance(original, TextRewriter) else TASKS[name]
    return kind(original)


__all__ = [
    "TASKS",
    "Feeds",
    "Samples",
    "Task",
    "TextGeneration",
    "Traceable",
    "task_of",
    "weights_bytes",
    "with_module",
]
