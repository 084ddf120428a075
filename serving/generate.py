"""Texts that go on: token after token, for a batch at once, as one answer or line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from serving import manifest as manifests
from serving.errors import InputError, ManifestError
from serving.sampling import Wishes, pick, read_wishes
from serving.spoken import Spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from serving.decoder import Decoder
    from serving.manifest import Manifest
    from serving.preprocess import Feeds
    from serving.texts import TokenizePrompts

    Emit = Callable[[bytes], None]

EOS, LENGTH, STOP = "eos", "length", "stop"


class Generator:
    """Goes on with texts; safe to call from several threads at once.

    Args:
        manifest: Whose postprocess is `generate` or `rewrite`.
        decoder: Reads and goes on.
        prompts: Makes token ids of texts.
    """

    def __init__(self, manifest: Manifest, decoder: Decoder, prompts: TokenizePrompts) -> None:
        if not isinstance(manifest.postprocess, manifests.Generate):
            raise ManifestError(f"postprocess.kind: not 'generate', which {manifest.name!r} is made for")
        self.decoder = decoder
        self._rewrites = isinstance(manifest.postprocess, manifests.Rewrite)
        self._prompts, self._spec = prompts, manifest.postprocess

    def answer(self, inputs: list[Any], parameters: Any, emit: Emit | None = None) -> bytes:
        """Go on with texts.

        Args:
            inputs: The texts.
            parameters: As `Wishes` has them.
            emit: Takes a line for each token as it is found, and one for each text that is at its end; what it raises
                ends the work.
                Default: all is in what is returned.

        Raises:
            InputError: If inputs or parameters are not what is taken, before anything is emitted.
        """
        wishes = read_wishes(parameters, self._spec.max_new_tokens)
        feeds = self._prompts(inputs)
        most = self._room(feeds, wishes)
        spoken = self.begin(feeds, wishes)
        for each, token in self.generate(feeds, spoken, wishes, most):
            if emit is not None:
                _emit(emit, each, token)
        if emit is not None:
            return b""
        return orjson.dumps(
            {
                "generated_text": [each.text for each in spoken],
                "finish_reason": [each.reason for each in spoken],
                "generated_tokens": [len(each.tokens) for each in spoken],
            }
        )

    def begin(self, feeds: Feeds, wishes: Wishes) -> list[Spoken]:
        """Return what each text has been gone on with: nothing yet."""
        pairs = zip(feeds["input_ids"], feeds["attention_mask"], strict=True)
        prompts = [[] if self._rewrites else ids[mask == 1].tolist() for ids, mask in pairs]
        return [Spoken(self._prompts.tokenizer, index, ids, wishes) for index, ids in enumerate(prompts)]

    def generate(
        self, feeds: Feeds, spoken: list[Spoken], wishes: Wishes, most: int
    ) -> Iterator[tuple[Spoken, int | None]]:
        """Go on with each text until it ends; who has ended is not computed any further.

        Yields:
            A text and the token that it was gone on with, None for a token of `eos`.
        """
        logits, cache = self.decoder.read(feeds)
        while True:
            for each, row in zip(spoken, logits, strict=True):
                token = pick(row, wishes, each.random)
                ended = token in self._spec.eos
                each.take(None if ended else token, EOS if ended else LENGTH if len(each.tokens) + 1 == most else "")
                yield each, None if ended else token
            going = [place for place, each in enumerate(spoken) if each.reason == ""]
            if not going:
                return
            if len(going) < len(spoken):
                spoken, cache = [spoken[place] for place in going], cache.keep(going)
            logits, cache = self.decoder.step([each.tokens[-1] for each in spoken], cache)

    def _room(self, feeds: Feeds, wishes: Wishes) -> int:
        """Return how many tokens an answer may have, or refuse what the context does not hold."""
        if self._rewrites:
            return wishes.max_new_tokens or self._spec.max_new_tokens
        lengths = feeds["attention_mask"].sum(axis=1)
        if wishes.max_new_tokens is None:
            return min(self._spec.max_new_tokens, self._prompts.context - int(lengths.max()))
        for index, length in enumerate(lengths.tolist()):
            if length + wishes.max_new_tokens > self._prompts.context:
                asked = f"{length} tokens and {wishes.max_new_tokens} new ones"
                raise InputError(f"inputs[{index}]: {asked} are more than the context of {self._prompts.context}")
        return wishes.max_new_tokens


def _emit(emit: Emit, each: Spoken, token: int | None) -> None:
    if token is not None:
        emit(_line({"index": each.index, "token": token, "text": each.news()}))
    if each.reason != "":
        emit(_line({"index": each.index, "generated_text": each.text, "finish_reason": each.reason}))


def _line(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
