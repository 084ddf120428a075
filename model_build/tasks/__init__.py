from model_build.tasks.image_classification import ImageClassification
from model_build.tasks.sentence_embedding import SentenceEmbedding
from model_build.tasks.task import Feeds, Samples, Task, Traceable, weights_bytes, with_module
from model_build.tasks.text_generation import TextGeneration
from model_build.tasks.transformation import Transformation

TASKS: dict[str, type[Task]] = {
    "sentence-embedding": SentenceEmbedding,
    "image-classification": ImageClassification,
    "transformation": Transformation,
    "text-generation": TextGeneration,
}

__all__ = [
    "TASKS",
    "Feeds",
    "Samples",
    "Task",
    "TextGeneration",
    "Traceable",
    "weights_bytes",
    "with_module",
]
